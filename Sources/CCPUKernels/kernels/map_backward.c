// Words and defines of `map_backward` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_gSource, WORD_g, WORD_N, WORD_C, WORD_sourceD, WORD_sourceH, WORD_sourceW, WORD_D, WORD_H, WORD_W,
  WORD_cropD, WORD_cropH, WORD_cropW, WORD_factorD, WORD_factorH, WORD_factorW,
  WORDS_END
};
enum {
  DEFINE_G_HALF, DEFINE_OUT_HALF, DEFINE_BLOCK, DEFINE_MAP, DEFINE_ACCUMULATE
};

#define VOXCL_BODY "bodies/map_backward_body.h"
#include "../each_isa.h"
