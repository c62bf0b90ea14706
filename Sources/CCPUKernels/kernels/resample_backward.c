// Words and defines of `resample_backward` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_gSource, WORD_g, WORD_N, WORD_C, WORD_sourceD, WORD_sourceH, WORD_sourceW, WORD_D, WORD_H,
  WORD_W, WORD_lowD, WORD_lowH, WORD_lowW,
  WORDS_END
};
enum {
  DEFINE_MODE, DEFINE_G_HALF, DEFINE_OUT_HALF, DEFINE_BLOCK, DEFINE_ACCUMULATE
};

#define VOXCL_BODY "bodies/resample_backward_body.h"
#include "../each_isa.h"
