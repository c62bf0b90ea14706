// Words and defines of `conv3d_grad_weight` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_partials, WORD_sums, WORD_slots, WORD_N, WORD_aD, WORD_aH, WORD_aW, WORD_bD, WORD_bH, WORD_bW,
  WORD_aBlocks, WORD_bBlocks, WORD_kD, WORD_kH, WORD_kW, WORD_strideD, WORD_strideH, WORD_strideW,
  WORD_padD, WORD_padH, WORD_padW, WORD_dilD, WORD_dilH, WORD_dilW, WORD_partitions, WORD_tileH,
  WORD_tileW, WORD_slotFloats,
  WORDS_END
};
enum {
  DEFINE_A_SEGMENTS, DEFINE_STRIDE_W, DEFINE_TAPS_H, DEFINE_TAPS_W, DEFINE_A_LANES,
  DEFINE_B_BLOCKS, DEFINE_LANES, DEFINE_DILATED, DEFINE_SUMS, DEFINE_SEGMENTS, DEFINE_SEGMENT0, DEFINE_SEGMENT1,
  DEFINE_SEGMENT2, DEFINE_SEGMENT3, DEFINE_SEGMENT4
};

#define VOXCL_BODY "bodies/grad_weight_body.h"
#include "../each_isa.h"
