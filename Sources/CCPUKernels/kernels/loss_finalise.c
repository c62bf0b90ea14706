// Words and defines of `loss_finalise` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_partials, WORD_coefficients, WORD_scalars, WORD_N, WORD_C, WORD_voxels, WORD_chunkVoxels,
  WORD_firstClass, WORD_batch, WORD_first, WORD_regionWeightBits, WORD_entropyWeightBits,
  WORD_epsilonBits, WORD_alphaBits, WORD_betaBits,
  WORDS_END
};
enum {
  DEFINE_KIND
};

#define VOXCL_BODY "bodies/loss_finalise_body.h"
#include "../each_isa.h"
