// g·(z > 0 ? 1 : a), and per chunk Σ of g·z over z ≤ 0.

#include "chunks.h"

VOXCL_KERNEL(prelu_backward) {
  const long samples = INTEGER(N), channels = INTEGER(C), blocks = over(channels, 16), voxels = INTEGER(voxels);
  const long chunk_voxels = INTEGER(chunkVoxels), chunks = over(voxels, chunk_voxels);
  const int planar = DEFINE(BLOCK) == 1;
  const float *slopes = OPERAND(float, slopes);
  float *partials = OPERAND(float, partials);
  v16 gs[SPAN], zs[SPAN];
  for (long tile = group; tile < samples * blocks * chunks; tile += groups) {
    const struct chunk c = chunk_at(tile, blocks, chunks, chunk_voxels, voxels);
    v16 slope = splat16(0), sum = splat16(0);
    for (long i = 0; i < least(16, channels - 16 * c.block); i++)
      slope[i] = slopes[DEFINE(SHARED) ? 0 : 16 * c.block + i];
    for (long first = 0; first < c.count; first += SPAN) {
      const long span = least(SPAN, c.count - first), voxel = c.voxel + first;
      load_row(OPERAND(uint8_t, g), (int)DEFINE(G_HALF), planar, c.n, channels, c.block, voxels, voxel, span, gs);
      load_row(OPERAND(uint8_t, z), (int)DEFINE(Z_HALF), planar, c.n, channels, c.block, voxels, voxel, span, zs);
      v16 part = splat16(0);
      for (long i = 0; i < span; i++) {
        part += select16(zs[i] > 0.0f, splat16(0), gs[i] * zs[i]);
        gs[i] = select16(zs[i] > 0.0f, gs[i], gs[i] * slope);
      }
      sum += part;
      if (DEFINE(WRITES))
        store_row(OPERAND(uint8_t, out), (int)DEFINE(OUT_HALF), planar, (int)DEFINE(ACCUMULATE), c.n, channels,
                  c.block, voxels, voxel, span, gs);
    }
    store16(partials, tile * 16, select16(lanes_below(channels - 16 * c.block), sum, splat16(0)), 0);
  }
}
