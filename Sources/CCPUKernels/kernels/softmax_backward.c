// Words and defines of `softmax_backward` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_out, WORD_g, WORD_p, WORD_N, WORD_C, WORD_voxels,
  WORDS_END
};
enum {
  DEFINE_P_HALF, DEFINE_G_HALF, DEFINE_OUT_HALF, DEFINE_BLOCK, DEFINE_ACCUMULATE
};

#define VOXCL_BODY "bodies/softmax_backward_body.h"
#include "../each_isa.h"
