// Gradient of pool: an input voxel sums what the windows that hold it give it. A maximum's gradient goes to its first
// one (its first NaN) in D, H, W order.

#include "../segment.h"
#include "pool_windows.h"

#ifndef VOXCL_POOL_BACKWARD_BODY_H
#define VOXCL_POOL_BACKWARD_BODY_H
#define first_maximum VOXCL_NAME(first_maximum)
#endif

// Where each lane's first maximum of a window stands: the voxel's index in the input.
HELPER void first_maximum(const struct segment *s, const struct pool_axis *axes, long n, long block, const long *from,
                          const long *to, v16i *index) {
  v16 best = splat16(0), value;
  int started = 0;
  for (long z = from[0]; z < to[0]; z++)
    for (long y = from[1]; y < to[1]; y++)
      for (long x = from[2]; x < to[2]; x++, started = 1) {
        segment_row(s, n, block, z, y, x, 1, &value);
        v16i wins = (value > best) | ((value != value) & (best == best));
        if (!started) wins = wins - wins - 1;
        best = select16(wins, value, best);
        *index = (wins & (voxcl_mask_lane)((z * axes[1].in + y) * axes[2].in + x)) | (~wins & *index);
      }
}

VOXCL_KERNEL(pool_backward) {
  const long channels = INTEGER(C), blocks = over(channels, 16), samples = INTEGER(N);
  const struct pool_axis axes[3] = POOL_AXES;
  const int kind = (int)DEFINE(KIND), planar = DEFINE(BLOCK) == 1;
  const long whole = axes[0].window * axes[1].window * axes[2].window;
  struct segment s = {0};
  if (kind == POOL_max) s = SEGMENT(0, WORDS_END, DEFINE_SEGMENT0, samples);
  for (long tile = group; tile < samples * blocks * axes[0].in * axes[1].in; tile += groups) {
    const long h = tile % axes[1].in, d = tile / axes[1].in % axes[0].in, plane = tile / axes[1].in / axes[0].in;
    const long n = plane / blocks, block = plane % blocks;
    for (long w = 0; w < axes[2].in; w++) {
      const long at[3] = {d, h, w}, voxel = (d * axes[1].in + h) * axes[2].in + w;
      long first[3], last[3], o[3];
      for (int i = 0; i < 3; i++) windows_with(&axes[i], at[i], &first[i], &last[i]);
      v16 sum = splat16(0), g;
      for (o[0] = first[0]; o[0] < last[0]; o[0]++)
        for (o[1] = first[1]; o[1] < last[1]; o[1]++)
          for (o[2] = first[2]; o[2] < last[2]; o[2]++) {
            long from[3], to[3], inside = 1;
            for (int i = 0; i < 3; i++) window_at(&axes[i], o[i], &from[i], &to[i]), inside *= to[i] - from[i];
            load_row(OPERAND(uint8_t, g), (int)DEFINE(G_HALF), planar, n, channels, block,
                     axes[0].out * axes[1].out * axes[2].out, (o[0] * axes[1].out + o[1]) * axes[2].out + o[2], 1, &g);
            if (kind == POOL_max) {
              v16i index = {0};
              first_maximum(&s, axes, n, block, from, to, &index);
              sum += select16(index == (voxcl_mask_lane)voxel, g, splat16(0));
            } else {
              sum += g / (float)(kind == POOL_mean ? whole : inside);
            }
          }
      store_row(OPERAND(uint8_t, gIn), (int)DEFINE(OUT_HALF), planar, (int)DEFINE(ACCUMULATE), n, channels, block,
                axes[0].in * axes[1].in * axes[2].in, voxel, 1, &sum);
    }
  }
}
