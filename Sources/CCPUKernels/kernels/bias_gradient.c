// Words and defines of `bias_gradient` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_gradient, WORD_partials, WORD_N, WORD_C, WORD_chunks,
  WORDS_END
};

#define VOXCL_BODY "bodies/bias_gradient_body.h"
#include "../each_isa.h"
