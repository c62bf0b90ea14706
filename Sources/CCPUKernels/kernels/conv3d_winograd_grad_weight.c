// Words and defines of `conv3d_winograd_grad_weight` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_partials, WORD_sums, WORD_slots, WORD_N, WORD_aD, WORD_aH, WORD_aW, WORD_bD, WORD_bH, WORD_bW,
  WORD_aBlocks, WORD_bBlocks, WORD_padD, WORD_padH, WORD_padW, WORD_kH, WORD_partitions, WORD_aShare,
  WORD_bShare, WORD_slotFloats,
  WORDS_END
};
enum {
  DEFINE_A_SEGMENTS, DEFINE_M, DEFINE_KD, DEFINE_TW, DEFINE_A_LANES, DEFINE_B_BLOCKS, DEFINE_SUMS,
  DEFINE_SEGMENTS, DEFINE_SEGMENT0, DEFINE_SEGMENT1, DEFINE_SEGMENT2, DEFINE_SEGMENT3, DEFINE_SEGMENT4
};

#define VOXCL_BODY "bodies/winograd_grad_weight_body.h"
#include "../each_isa.h"
