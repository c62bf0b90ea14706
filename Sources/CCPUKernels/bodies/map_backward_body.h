// Adjoint of an index map, as a gather: each source voxel sums g over the value's voxels that read it, in
// D, H, W order.

#include "../segment.h"

#ifndef VOXCL_MAP_BACKWARD_BODY_H
#define VOXCL_MAP_BACKWARD_BODY_H
struct map_axis {
  long source, value, crop, factor;
};
// Voxels of the value that may read source voxel s.
static inline void readers_of(const struct map_axis *a, int map, long s, long *from, long *to) {
  long low = s - a->crop, high = low + 1;
  if (map == MAP_nearest) low = s * a->factor, high = low + a->factor;
  if (map == MAP_trilinear) low = (s - 1) * a->factor, high = (s + 2) * a->factor;
  *from = most(0, low);
  *to = least(a->value, high);
}
// Weight with which value voxel v reads source voxel s.
static inline float reading(const struct map_axis *a, int map, long v, long s) {
  if (map != MAP_trilinear) return 1.0f;
  const struct interpolation i = interpolation_at(v, a->factor, a->source);
  return (i.low == s ? 1.0f - i.weight : 0.0f) + (i.high == s ? i.weight : 0.0f);
}
#endif

VOXCL_KERNEL(map_backward) {
  const long samples = INTEGER(N), channels = INTEGER(C), blocks = over(channels, 16);
  const struct map_axis z = {INTEGER(sourceD), INTEGER(D), INTEGER(cropD), INTEGER(factorD)};
  const struct map_axis y = {INTEGER(sourceH), INTEGER(H), INTEGER(cropH), INTEGER(factorH)};
  const struct map_axis x = {INTEGER(sourceW), INTEGER(W), INTEGER(cropW), INTEGER(factorW)};
  const int map = (int)DEFINE(MAP), planar = DEFINE(BLOCK) == 1;
  const long source_voxels = z.source * y.source * x.source, voxels = z.value * y.value * x.value;
  v16 row[SPAN], sums[SPAN];
  for (long tile = group; tile < samples * blocks * z.source * y.source; tile += groups) {
    const long h = tile % y.source, d = tile / y.source % z.source, at = tile / y.source / z.source;
    const long n = at / blocks, block = at % blocks;
    for (long first = 0; first < x.source; first += SPAN) {
      const long count = least(SPAN, x.source - first);
      memset(sums, 0, sizeof sums);
      long z0, z1, y0, y1;
      readers_of(&z, map, d, &z0, &z1);
      readers_of(&y, map, h, &y0, &y1);
      for (long i = z0; i < z1; i++) {
        for (long j = y0; j < y1; j++) {
          const float plane = reading(&z, map, i, d) * reading(&y, map, j, h);
          if (plane == 0.0f) continue;
          long from, to, ignored, loaded = 0, end = -1;
          for (long w = 0; w < count; w++) {
            readers_of(&x, map, first + w, &from, &to);
            for (long k = from; k < to; k++) {
              const float weight = plane * reading(&x, map, k, first + w);
              if (weight == 0.0f) continue;
              if (k >= end || k < loaded) {  // the next stretch of g's row
                readers_of(&x, map, first + count - 1, &ignored, &end);
                loaded = k;
                end = least(end, loaded + SPAN);
                load_row(OPERAND(uint8_t, g), (int)DEFINE(G_HALF), planar, n, channels, block, voxels,
                         (i * y.value + j) * x.value + loaded, end - loaded, row);
              }
              sums[w] += weight * row[k - loaded];
            }
          }
        }
      }
      store_row(OPERAND(uint8_t, gSource), (int)DEFINE(OUT_HALF), planar, (int)DEFINE(ACCUMULATE), n,
          channels,
                block, source_voxels, (d * y.source + h) * x.source + first, count, sums);
    }
  }
}
