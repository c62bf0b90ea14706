// Words and defines of `merge_statistics` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_tiles, WORD_partials, WORD_N, WORD_C, WORD_D, WORD_H, WORD_W, WORD_tileD, WORD_tileH,
  WORD_tileW, WORD_chunks,
  WORDS_END
};

#define VOXCL_BODY "bodies/merge_statistics_body.h"
#include "../each_isa.h"
