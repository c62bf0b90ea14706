// Words and defines of `prelu_slope` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_gradient, WORD_partials, WORD_N, WORD_C, WORD_chunks,
  WORDS_END
};
enum {
  DEFINE_SHARED
};

#define VOXCL_BODY "bodies/prelu_slope_body.h"
#include "../each_isa.h"
