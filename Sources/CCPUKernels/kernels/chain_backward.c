// Words and defines of `chain_backward` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_out, WORD_g, WORD_z, WORD_scale, WORD_mean, WORD_sums, WORD_keep, WORD_N, WORD_C, WORD_voxels,
  WORD_slopeBits, WORD_keepScaleBits, WORD_preSlopeBits,
  WORDS_END
};
enum {
  DEFINE_Z_HALF, DEFINE_G_HALF, DEFINE_OUT_HALF, DEFINE_BLOCK, DEFINE_NORM, DEFINE_ACT, DEFINE_KEEP,
  DEFINE_PRE_ACT, DEFINE_ACCUMULATE
};

#define VOXCL_BODY "bodies/chain_backward_body.h"
#include "../each_isa.h"
