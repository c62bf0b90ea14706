// Words and defines of `optimizer_step` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_weights, WORD_gradient, WORD_first, WORD_second, WORD_scalars, WORD_count,
  WORDS_END
};
enum {
  DEFINE_KIND
};

#define VOXCL_BODY "bodies/optimizer_step_body.h"
#include "../each_isa.h"
