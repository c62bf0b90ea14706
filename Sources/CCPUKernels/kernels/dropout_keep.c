// Words and defines of `dropout_keep` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_keep, WORD_scalars, WORD_N, WORD_C, WORD_voxels, WORD_layerLow, WORD_layerHigh,
  WORD_threshold,
  WORDS_END
};
enum {
  DEFINE_SPATIAL
};

#define VOXCL_BODY "bodies/dropout_keep_body.h"
#include "../each_isa.h"
