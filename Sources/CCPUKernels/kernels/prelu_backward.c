// Words and defines of `prelu_backward` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_out, WORD_g, WORD_z, WORD_slopes, WORD_partials, WORD_N, WORD_C, WORD_voxels,
  WORD_chunkVoxels,
  WORDS_END
};
enum {
  DEFINE_SHARED, DEFINE_WRITES, DEFINE_Z_HALF, DEFINE_G_HALF, DEFINE_OUT_HALF, DEFINE_BLOCK,
  DEFINE_ACCUMULATE
};

#define VOXCL_BODY "bodies/prelu_backward_body.h"
#include "../each_isa.h"
