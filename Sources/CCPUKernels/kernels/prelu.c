// Words and defines of `prelu` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_out, WORD_slopes, WORD_N, WORD_C, WORD_D, WORD_H, WORD_W,
  WORDS_END
};
enum {
  DEFINE_SHARED, DEFINE_OUT_HALF, DEFINE_BLOCK, DEFINE_SEGMENTS, DEFINE_SEGMENT0, DEFINE_SEGMENT1,
  DEFINE_SEGMENT2, DEFINE_SEGMENT3, DEFINE_SEGMENT4
};

#define VOXCL_BODY "bodies/prelu_body.h"
#include "../each_isa.h"
