// Words and defines of `update_prepare` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_partials, WORD_scalars, WORD_chunks,
  WORDS_END
};
enum {
  DEFINE_DYNAMIC
};

#define VOXCL_BODY "bodies/update_prepare_body.h"
#include "../each_isa.h"
