// Words and defines of `max_pool_backward` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_gIn, WORD_g, WORD_N, WORD_C, WORD_inD, WORD_inH, WORD_inW, WORD_outD, WORD_outH, WORD_outW,
  WORD_windowD, WORD_windowH, WORD_windowW, WORD_slopeBits,
  WORDS_END
};
enum {
  DEFINE_G_HALF, DEFINE_OUT_HALF, DEFINE_BLOCK, DEFINE_ACCUMULATE, DEFINE_MASK, DEFINE_SEGMENTS,
  DEFINE_SEGMENT0, DEFINE_SEGMENT1, DEFINE_SEGMENT2, DEFINE_SEGMENT3, DEFINE_SEGMENT4
};

#define VOXCL_BODY "bodies/max_pool_backward_body.h"
#include "../each_isa.h"
