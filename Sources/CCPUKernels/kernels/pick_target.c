// Words and defines of `pick_target` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_out, WORD_target, WORD_planes, WORD_D, WORD_H, WORD_W, WORD_factorD, WORD_factorH,
  WORD_factorW,
  WORDS_END
};
enum {
  DEFINE_TARGET
};

#define VOXCL_BODY "bodies/pick_target_body.h"
#include "../each_isa.h"
