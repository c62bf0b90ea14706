// Words and defines of `group_norm_finalise` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_partials, WORD_gamma, WORD_beta, WORD_scale, WORD_mean, WORD_N, WORD_C, WORD_sets,
  WORD_voxels, WORD_chunkVoxels, WORD_epsilonBits,
  WORDS_END
};

#define VOXCL_BODY "bodies/group_norm_finalise_body.h"
#include "../each_isa.h"
