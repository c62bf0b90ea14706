// Words and defines of `materialise` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_out, WORD_N, WORD_outC, WORD_firstC, WORD_D, WORD_H, WORD_W, WORD_slopeBits,
  WORDS_END
};
enum {
  DEFINE_OUT_HALF, DEFINE_OUT_BLOCK, DEFINE_OUT_ACT, DEFINE_SEGMENTS, DEFINE_SEGMENT0, DEFINE_SEGMENT1,
  DEFINE_SEGMENT2, DEFINE_SEGMENT3, DEFINE_SEGMENT4
};

#define VOXCL_BODY "bodies/materialise_body.h"
#include "../each_isa.h"
