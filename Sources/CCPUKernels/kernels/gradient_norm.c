// Words and defines of `gradient_norm` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_gradient, WORD_partials, WORD_scalars, WORD_count, WORD_chunkVoxels,
  WORDS_END
};

#define VOXCL_BODY "bodies/gradient_norm_body.h"
#include "../each_isa.h"
