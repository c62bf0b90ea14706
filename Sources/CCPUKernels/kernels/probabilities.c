// Words and defines of `probabilities` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_out, WORD_logits, WORD_N, WORD_C, WORD_voxels,
  WORDS_END
};
enum {
  DEFINE_SIGMOID
};

#define VOXCL_BODY "bodies/probabilities_body.h"
#include "../each_isa.h"
