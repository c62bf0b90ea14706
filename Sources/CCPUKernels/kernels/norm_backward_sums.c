// Words and defines of `norm_backward_sums` in the catalogue's order, then its body for every instruction
// set.
enum {
  WORD_g, WORD_z, WORD_scale, WORD_mean, WORD_keep, WORD_partials, WORD_N, WORD_C, WORD_voxels,
  WORD_chunkVoxels, WORD_slopeBits, WORD_keepScaleBits,
  WORDS_END
};
enum {
  DEFINE_Z_HALF, DEFINE_G_HALF, DEFINE_BLOCK, DEFINE_ACT, DEFINE_KEEP
};

#define VOXCL_BODY "bodies/norm_backward_sums_body.h"
#include "../each_isa.h"
