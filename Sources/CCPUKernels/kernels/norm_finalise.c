// Words and defines of `norm_finalise` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_partials, WORD_gamma, WORD_beta, WORD_scale, WORD_mean, WORD_runningMean,
  WORD_runningVariance, WORD_bias, WORD_scalars, WORD_renorm, WORD_N, WORD_C, WORD_voxels,
  WORD_chunkVoxels, WORD_epsilonBits, WORD_momentumBits,
  WORDS_END
};
enum {
  DEFINE_BATCH, DEFINE_RUNNING
};

#define VOXCL_BODY "bodies/norm_finalise_body.h"
#include "../each_isa.h"
