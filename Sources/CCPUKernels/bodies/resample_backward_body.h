// Adjoint of resample: a source voxel sums g over the positions that read it.

#include "../segment.h"
#include "resampling.h"

VOXCL_KERNEL(resample_backward) {
  const long channels = INTEGER(C), blocks = over(channels, 16);
  const struct resampled axes[3] = RESAMPLED_AXES;
  const int mode = (int)DEFINE(MODE), planar = DEFINE(BLOCK) == 1;
  const long voxels = axes[0].extent * axes[1].extent * axes[2].extent;
  const long stored = axes[0].source * axes[1].source * axes[2].source;
  for (long tile = group; tile < INTEGER(N) * blocks * axes[0].source * axes[1].source; tile += groups) {
    const long h = tile % axes[1].source, d = tile / axes[1].source % axes[0].source;
    const long plane = tile / axes[1].source / axes[0].source, n = plane / blocks, block = plane % blocks;
    long z0, z1, y0, y1, x0, x1;
    resampling_readers(&axes[0], mode, d, &z0, &z1);
    resampling_readers(&axes[1], mode, h, &y0, &y1);
    for (long w = 0; w < axes[2].source; w++) {
      v16 sum = splat16(0), g;
      resampling_readers(&axes[2], mode, w, &x0, &x1);
      for (long i = z0; i < z1; i++) {
        const float deep = resampling_weight(&axes[0], mode, i, d);
        for (long j = y0; deep != 0 && j < y1; j++) {
          const float high = deep * resampling_weight(&axes[1], mode, j, h);
          for (long k = x0; high != 0 && k < x1; k++) {
            const float weight = high * resampling_weight(&axes[2], mode, k, w);
            if (weight == 0) continue;
            load_row(OPERAND(uint8_t, g), (int)DEFINE(G_HALF), planar, n, channels, block, voxels,
                     (i * axes[1].extent + j) * axes[2].extent + k, 1, &g);
            sum += weight * g;
          }
        }
      }
      store_row(OPERAND(uint8_t, gSource), (int)DEFINE(OUT_HALF), planar, (int)DEFINE(ACCUMULATE), n, channels, block,
                stored, (d * axes[1].source + h) * axes[2].source + w, 1, &sum);
    }
  }
}
