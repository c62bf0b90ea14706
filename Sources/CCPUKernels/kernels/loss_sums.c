// Words and defines of `loss_sums` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_logits, WORD_target, WORD_classWeights, WORD_partials, WORD_N, WORD_C, WORD_voxels,
  WORD_chunkVoxels, WORD_ignore,
  WORDS_END
};
enum {
  DEFINE_SIGMOID, DEFINE_TARGET
};

#define VOXCL_BODY "bodies/loss_sums_body.h"
#include "../each_isa.h"
