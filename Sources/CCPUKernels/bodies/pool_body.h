// Maximum or mean over windows of any stride and padding.

#include "../segment.h"
#include "pool_windows.h"

VOXCL_KERNEL(pool) {
  const long channels = INTEGER(C), blocks = over(channels, 16), samples = INTEGER(N);
  const struct pool_axis axes[3] = POOL_AXES;
  const int kind = (int)DEFINE(KIND);
  const long whole = axes[0].window * axes[1].window * axes[2].window;
  const struct segment s = SEGMENT(0, WORDS_END, DEFINE_SEGMENT0, samples);
  v16 row[SPAN];
  for (long tile = group; tile < samples * blocks * axes[0].out * axes[1].out; tile += groups) {
    const long h = tile % axes[1].out, d = tile / axes[1].out % axes[0].out, at = tile / axes[1].out / axes[0].out;
    const long n = at / blocks, block = at % blocks;
    for (long w = 0; w < axes[2].out; w++) {
      long z0, z1, y0, y1, x0, x1;
      window_at(&axes[0], d, &z0, &z1);
      window_at(&axes[1], h, &y0, &y1);
      window_at(&axes[2], w, &x0, &x1);
      v16 result = splat16(kind == POOL_max ? -INFINITY : 0);
      for (long z = z0; z < z1; z++) {
        v16 plane = splat16(0);
        for (long y = y0; y < y1; y++) {
          v16 line = splat16(0);
          for (long x = x0; x < x1; x += SPAN) {
            const long count = least(SPAN, x1 - x);
            segment_row(&s, n, block, z, y, x, count, row);
            for (long i = 0; i < count; i++) {
              if (kind == POOL_max) result = select16((row[i] > result) | (row[i] != row[i]), row[i], result);
              else line += row[i];
            }
          }
          plane += line;
        }
        if (kind != POOL_max) result += plane;
      }
      const long inside = (z1 - z0) * (y1 - y0) * (x1 - x0);
      if (kind != POOL_max) result /= (float)(kind == POOL_mean ? whole : inside);
      store_row(OPERAND(uint8_t, out), (int)DEFINE(OUT_HALF), DEFINE(BLOCK) == 1, 0, n, channels, block,
                axes[0].out * axes[1].out * axes[2].out, (d * axes[1].out + h) * axes[2].out + w, 1, &result);
    }
  }
}
