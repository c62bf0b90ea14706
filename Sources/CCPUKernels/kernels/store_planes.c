// Words and defines of `store_planes` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_out, WORD_slab, WORD_rows, WORD_run, WORD_stride,
  WORDS_END
};
enum { DEFINE_HALF };

#define VOXCL_BODY "bodies/store_planes_body.h"
#include "../each_isa.h"
