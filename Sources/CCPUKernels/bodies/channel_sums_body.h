// Sum of every channel over each chunk: of spans, then of their sums, for accuracy.

#include "chunks.h"

VOXCL_KERNEL(channel_sums) {
  const long channels = INTEGER(C), blocks = over(channels, 16), voxels = INTEGER(voxels);
  const long chunk_voxels = INTEGER(chunkVoxels), chunks = over(voxels, chunk_voxels);
  const uint8_t *g = OPERAND(uint8_t, g);
  float *partials = OPERAND(float, partials);
  v16 values[SPAN];
  for (long tile = group; tile < INTEGER(N) * blocks * chunks; tile += groups) {
    const struct chunk c = chunk_at(tile, blocks, chunks, chunk_voxels, voxels);
    const v16i mask = lanes_below(channels - 16 * c.block);
    v16 sum = splat16(0);
    for (long first = 0; first < c.count; first += SPAN) {
      const long span = least(SPAN, c.count - first);
      load_row(g, (int)DEFINE(HALF), DEFINE(BLOCK) == 1, c.n, channels, c.block, voxels, c.voxel + first,
          span, values);
      v16 part = splat16(0);
      for (long i = 0; i < span; i++) part += values[i];
      sum += part;
    }
    store16(partials, tile * 16, select16(mask, sum, splat16(0)), 0);
  }
}
