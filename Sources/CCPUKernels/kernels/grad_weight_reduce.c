// Words and defines of `grad_weight_reduce` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_gradient, WORD_partials, WORD_aSegments, WORD_aC0, WORD_aC1, WORD_aC2, WORD_aC3,
  WORD_bSegments, WORD_bC0, WORD_bC1, WORD_bC2, WORD_bC3, WORD_taps, WORD_partitions, WORD_strideA,
  WORD_strideB, WORD_groupA, WORD_groupB, WORD_groupShift,
  WORDS_END
};

#define VOXCL_BODY "bodies/grad_weight_reduce_body.h"
#include "../each_isa.h"
