// Words and defines of `conv3d` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_out, WORD_weights, WORD_bias, WORD_mask, WORD_slots, WORD_tiles, WORD_N, WORD_inD, WORD_inH, WORD_inW, WORD_outD,
  WORD_outH, WORD_outW, WORD_inBlocks, WORD_outC, WORD_kD, WORD_kH, WORD_kW, WORD_strideD,
  WORD_strideH, WORD_strideW, WORD_padD, WORD_padH, WORD_padW, WORD_dilD, WORD_dilH, WORD_dilW,
  WORD_tileD, WORD_tileH, WORD_tileW, WORD_slotFloats, WORD_slopeBits, WORD_maskVoxels,
  WORDS_END
};
enum {
  DEFINE_TRANSPOSED, DEFINE_STRIDE_W, DEFINE_T, DEFINE_LANES, DEFINE_OB, DEFINE_OUT_BLOCK, DEFINE_OUT_HALF,
  DEFINE_BIAS, DEFINE_OUT_ACT, DEFINE_ACCUMULATE, DEFINE_MASK, DEFINE_STATISTICS, DEFINE_SEGMENTS, DEFINE_SEGMENT0,
  DEFINE_SEGMENT1, DEFINE_SEGMENT2, DEFINE_SEGMENT3, DEFINE_SEGMENT4
};

#define VOXCL_BODY "bodies/conv3d_body.h"
#include "../each_isa.h"
