// Words and defines of `device_limit` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_values, WORD_count, WORD_repeats,
  WORDS_END
};
enum {
  DEFINE_STREAM
};

#define VOXCL_BODY "bodies/device_limit_body.h"
#include "../each_isa.h"
