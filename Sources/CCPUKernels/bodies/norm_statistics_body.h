// Mean and M2 of each chunk, in two passes over it: Σ(z − mean)² does not cancel as Σz² − n·mean² does.

#include "chunks.h"

VOXCL_KERNEL(norm_statistics) {
  const long channels = INTEGER(C), blocks = over(channels, 16), voxels = INTEGER(voxels);
  const long chunk_voxels = INTEGER(chunkVoxels), chunks = over(voxels, chunk_voxels);
  const int half = (int)DEFINE(HALF), planar = DEFINE(BLOCK) == 1;
  const uint8_t *z = OPERAND(uint8_t, z);
  float *partials = OPERAND(float, partials);
  v16 values[SPAN];
  for (long tile = group; tile < INTEGER(N) * blocks * chunks; tile += groups) {
    const struct chunk c = chunk_at(tile, blocks, chunks, chunk_voxels, voxels);
    const v16i mask = lanes_below(channels - 16 * c.block);
    v16 mean = splat16(0), squares = splat16(0);
    for (int pass = 0; pass < 2; pass++) {
      for (long first = 0; first < c.count; first += SPAN) {
        const long span = least(SPAN, c.count - first);
        load_row(z, half, planar, c.n, channels, c.block, voxels, c.voxel + first, span, values);
        v16 sum = splat16(0);  // of a span, added to the chunk's: pairwise, for accuracy
        if (pass == 0) {
          for (long i = 0; i < span; i++) sum += values[i];
          mean += sum;
        } else {
          for (long i = 0; i < span; i++) sum += (values[i] - mean) * (values[i] - mean);
          squares += sum;
        }
      }
      if (pass == 0) mean = mean / (float)c.count;
    }
    store16(partials, tile * 32, select16(mask, mean, splat16(0)), 0);
    store16(partials, tile * 32 + 16, select16(mask, squares, splat16(0)), 0);
  }
}
