// Words and defines of `clear` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_values, WORD_scalars, WORD_count,
  WORDS_END
};
enum {
  DEFINE_ONLY_FIRST
};

#define VOXCL_BODY "bodies/clear_body.h"
#include "../each_isa.h"
