// Words and defines of `norm_statistics` in the catalogue's order, then its body for every instruction set.
enum {
  WORD_z, WORD_partials, WORD_N, WORD_C, WORD_voxels, WORD_chunkVoxels,
  WORDS_END
};
enum {
  DEFINE_HALF, DEFINE_BLOCK
};

#define VOXCL_BODY "bodies/norm_statistics_body.h"
#include "../each_isa.h"
