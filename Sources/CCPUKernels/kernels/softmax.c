// Words and defines of `softmax` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_out, WORD_N, WORD_C, WORD_D, WORD_H, WORD_W,
  WORDS_END
};
enum {
  DEFINE_OUT_HALF, DEFINE_BLOCK, DEFINE_SEGMENTS, DEFINE_SEGMENT0, DEFINE_SEGMENT1,
  DEFINE_SEGMENT2, DEFINE_SEGMENT3, DEFINE_SEGMENT4
};

#define VOXCL_BODY "bodies/softmax_body.h"
#include "../each_isa.h"
