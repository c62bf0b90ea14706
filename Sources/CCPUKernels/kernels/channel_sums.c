// Words and defines of `channel_sums` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_g, WORD_partials, WORD_N, WORD_C, WORD_voxels, WORD_chunkVoxels,
  WORDS_END
};
enum {
  DEFINE_HALF, DEFINE_BLOCK
};

#define VOXCL_BODY "bodies/channel_sums_body.h"
#include "../each_isa.h"
