// Words and defines of `norm_backward_finalise` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_partials, WORD_sums, WORD_gradGamma, WORD_gradBeta, WORD_scale, WORD_renorm, WORD_N, WORD_C,
  WORD_voxels, WORD_chunkVoxels,
  WORDS_END
};
enum {
  DEFINE_BATCH, DEFINE_RENORM
};

#define VOXCL_BODY "bodies/norm_backward_finalise_body.h"
#include "../each_isa.h"
