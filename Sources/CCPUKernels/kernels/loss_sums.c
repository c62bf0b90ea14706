// Words and defines of `loss_sums` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_logits, WORD_target, WORD_classWeights, WORD_partials, WORD_N, WORD_C, WORD_voxels,
  WORD_chunkVoxels, WORD_ignore, WORD_mean, WORD_gammaBits, WORD_clipBits,
  WORDS_END
};
enum {
  DEFINE_SIGMOID, DEFINE_TARGET, DEFINE_ENTROPY, DEFINE_SQUARED
};

#define VOXCL_BODY "bodies/loss_sums_body.h"
#include "../each_isa.h"
