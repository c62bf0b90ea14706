// Padding and resizing of a stored tensor.

#include "../segment.h"
#include "resampling.h"

VOXCL_KERNEL(resample) {
  const long channels = INTEGER(C), blocks = over(channels, 16);
  const struct resampled axes[3] = RESAMPLED_AXES;
  const int mode = (int)DEFINE(MODE), planar = DEFINE(BLOCK) == 1;
  const long voxels = axes[0].extent * axes[1].extent * axes[2].extent;
  const long stored = axes[0].source * axes[1].source * axes[2].source;
  for (long tile = group; tile < INTEGER(N) * blocks * axes[0].extent * axes[1].extent; tile += groups) {
    const long h = tile % axes[1].extent, d = tile / axes[1].extent % axes[0].extent;
    const long plane = tile / axes[1].extent / axes[0].extent, n = plane / blocks, block = plane % blocks;
    const struct interpolation z = resampled_at(&axes[0], mode, d), y = resampled_at(&axes[1], mode, h);
    for (long w = 0; w < axes[2].extent; w++) {
      const struct interpolation x = resampled_at(&axes[2], mode, w);
      v16 sum = splat16(0), value;
      for (int corner = 0; corner < 8; corner++) {
        const long i = corner & 4 ? z.high : z.low, j = corner & 2 ? y.high : y.low, k = corner & 1 ? x.high : x.low;
        const float weight = (corner & 4 ? z.weight : 1 - z.weight) * (corner & 2 ? y.weight : 1 - y.weight)
                             * (corner & 1 ? x.weight : 1 - x.weight);
        if (weight == 0) continue;
        if (i < 0 || j < 0 || k < 0) {
          sum = splat16(FLOAT(valueBits));
          continue;
        }
        load_row(OPERAND(uint8_t, source), (int)DEFINE(SOURCE_HALF), planar, n, channels, block, stored,
                 (i * axes[1].source + j) * axes[2].source + k, 1, &value);
        sum += weight * value;
      }
      store_row(OPERAND(uint8_t, out), (int)DEFINE(OUT_HALF), planar, 0, n, channels, block, voxels,
                (d * axes[1].extent + h) * axes[2].extent + w, 1, &sum);
    }
  }
}
