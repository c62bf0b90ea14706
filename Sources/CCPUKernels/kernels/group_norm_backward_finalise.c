// Words and defines of `group_norm_backward_finalise` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_partials, WORD_sums, WORD_gamma, WORD_mean, WORD_gradGamma, WORD_gradBeta, WORD_N, WORD_C,
  WORD_sets, WORD_voxels, WORD_chunkVoxels,
  WORDS_END
};

#define VOXCL_BODY "bodies/group_norm_backward_finalise_body.h"
#include "../each_isa.h"
