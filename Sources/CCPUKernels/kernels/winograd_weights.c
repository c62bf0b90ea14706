// Words and defines of `winograd_weights` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_packed, WORD_weights, WORD_segments, WORD_segmentC0, WORD_segmentC1, WORD_segmentC2,
  WORD_segmentC3, WORD_outC, WORD_strideIn, WORD_strideOut, WORD_outputBlocks,
  WORD_flip, WORD_kH,
  WORDS_END
};
enum {
  DEFINE_M, DEFINE_KD
};

#define VOXCL_BODY "bodies/winograd_weights_body.h"
#include "../each_isa.h"
