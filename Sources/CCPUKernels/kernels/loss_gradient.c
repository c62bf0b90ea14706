// Words and defines of `loss_gradient` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_g, WORD_logits, WORD_target, WORD_classWeights, WORD_coefficients, WORD_N, WORD_C,
  WORD_voxels, WORD_ignore, WORD_gammaBits, WORD_clipBits,
  WORDS_END
};
enum {
  DEFINE_SIGMOID, DEFINE_TARGET, DEFINE_ENTROPY, DEFINE_SQUARED
};

#define VOXCL_BODY "bodies/loss_gradient_body.h"
#include "../each_isa.h"
