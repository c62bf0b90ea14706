// Words and defines of `channel_slice` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_out, WORD_g, WORD_N, WORD_C, WORD_wholeC, WORD_firstC, WORD_voxels,
  WORDS_END
};
enum {
  DEFINE_G_HALF, DEFINE_G_BLOCK, DEFINE_OUT_HALF, DEFINE_BLOCK, DEFINE_ACCUMULATE
};

#define VOXCL_BODY "bodies/channel_slice_body.h"
#include "../each_isa.h"
