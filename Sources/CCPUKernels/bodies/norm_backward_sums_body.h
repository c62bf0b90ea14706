// Σ g′ and Σ g′·x̂ of each chunk, with g′ = g·keep·keepScale·act′(scale·z + shift) and x̂ = (z − mean)·rstd.

#include "chunks.h"

VOXCL_KERNEL(norm_backward_sums) {
  const long samples = INTEGER(N), channels = INTEGER(C), blocks = over(channels, 16),
      voxels = INTEGER(voxels);
  const long chunk_voxels = INTEGER(chunkVoxels), chunks = over(voxels, chunk_voxels), padded = 16 * blocks;
  const int planar = DEFINE(BLOCK) == 1, activation = (int)DEFINE(ACT);
  const uint8_t *g = OPERAND(uint8_t, g), *z = OPERAND(uint8_t, z);
  const float *scales = OPERAND(float, scale), *means = OPERAND(float, mean);
  const uint16_t *keep = DEFINE(KEEP) ? OPERAND(uint16_t, keep) : 0;
  const float slope = FLOAT(slopeBits), kept = FLOAT(keepScaleBits);
  float *partials = OPERAND(float, partials);
  v16 gs[SPAN], zs[SPAN];
  for (long tile = group; tile < samples * blocks * chunks; tile += groups) {
    const struct chunk c = chunk_at(tile, blocks, chunks, chunk_voxels, voxels);
    const v16i mask = lanes_below(channels - 16 * c.block);
    const long at = c.n * padded + 16 * c.block, row = c.n * blocks + c.block;
    const v16 scale = load16(scales, at, 0), shift = load16(scales, samples * padded + at, 0);
    const v16 mean = load16(means, at, 0), rstd = load16(means, samples * padded + at, 0);
    v16 sum = splat16(0), product = splat16(0);
    for (long first = 0; first < c.count; first += SPAN) {
      const long span = least(SPAN, c.count - first), voxel = c.voxel + first;
      load_row(g, (int)DEFINE(G_HALF), planar, c.n, channels, c.block, voxels, voxel, span, gs);
      load_row(z, (int)DEFINE(Z_HALF), planar, c.n, channels, c.block, voxels, voxel, span, zs);
      v16 part = splat16(0), part_product = splat16(0);
      for (long i = 0; i < span; i++) {
        v16 v = keep ? keep16(gs[i], keep[row * voxels + voxel + i], kept) : gs[i];
        if (activation) v *= activation_slope16(zs[i] * scale + shift, activation, slope);
        part += v;
        part_product += v * ((zs[i] - mean) * rstd);
      }
      sum += part;
      product += part_product;
    }
    store16(partials, tile * 32, select16(mask, sum, splat16(0)), 0);
    store16(partials, tile * 32 + 16, select16(mask, product, splat16(0)), 0);
  }
}
