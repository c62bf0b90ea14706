// Words and defines of `resample` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_out, WORD_source, WORD_N, WORD_C, WORD_sourceD, WORD_sourceH, WORD_sourceW, WORD_D, WORD_H,
  WORD_W, WORD_lowD, WORD_lowH, WORD_lowW, WORD_valueBits,
  WORDS_END
};
enum {
  DEFINE_MODE, DEFINE_SOURCE_HALF, DEFINE_OUT_HALF, DEFINE_BLOCK
};

#define VOXCL_BODY "bodies/resample_body.h"
#include "../each_isa.h"
