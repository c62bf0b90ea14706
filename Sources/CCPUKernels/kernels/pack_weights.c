// Words and defines of `pack_weights` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_packed, WORD_weights, WORD_segments, WORD_segmentC0, WORD_segmentC1, WORD_segmentC2,
  WORD_segmentC3, WORD_outC, WORD_strideIn, WORD_strideOut, WORD_kD, WORD_kH, WORD_kW,
  WORD_strideD, WORD_strideH, WORD_strideW, WORD_padD, WORD_padH, WORD_padW, WORD_dilD, WORD_dilH,
  WORD_dilW, WORD_groupIn, WORD_groupOut, WORD_firstOut, WORD_groupShift,
  WORD_transposed, WORD_outputBlocks,
  WORDS_END
};

#define VOXCL_BODY "bodies/pack_weights_body.h"
#include "../each_isa.h"
