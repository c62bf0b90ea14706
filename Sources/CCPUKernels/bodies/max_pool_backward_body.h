// The window's gradient goes to its first maximum (its first NaN, where there is one), in D, H, W order; on request with
// what stands there and back through the activation whose outputs the values are.

#include "../segment.h"

VOXCL_KERNEL(max_pool_backward) {
  const long channels = INTEGER(C), blocks = over(channels, 16), samples = INTEGER(N);
  const long in[3] = {INTEGER(inD), INTEGER(inH), INTEGER(inW)},
      out[3] = {INTEGER(outD), INTEGER(outH), INTEGER(outW)};
  const long window[3] = {INTEGER(windowD), INTEGER(windowH), INTEGER(windowW)};
  const long planes = over(in[0], window[0]), lines = over(in[1], window[1]);
  const int planar = DEFINE(BLOCK) == 1, accumulate = (int)DEFINE(ACCUMULATE), half = (int)DEFINE(OUT_HALF);
  const int mask = (int)DEFINE(MASK);
  uint8_t *to = OPERAND(uint8_t, gIn);
  const struct segment s = SEGMENT(0, WORDS_END, DEFINE_SEGMENT0, samples);
  const long span = most(1, SPAN / window[2]);
  v16 row[SPAN], best[SPAN], gs[SPAN], result[SPAN], before[SPAN];
  v16i at[SPAN];
  for (long tile = group; tile < samples * blocks * planes * lines; tile += groups) {
    const long n = tile / lines / planes / blocks, block = tile / lines / planes % blocks;
    const long d = tile / lines % planes, h = tile % lines;
    for (long first = 0; first < over(in[2], window[2]); first += span) {
      // Windows of this stretch; those after `count` do not fit, and their voxels get 0.
      const int fits = d < out[0] && h < out[1];
      const long count = fits ? most(0, least(span, out[2] - first)) : 0;
      const long low = first * window[2], voxels = least(span * window[2], in[2] - low);
      if (count)
        load_row(OPERAND(uint8_t, g), (int)DEFINE(G_HALF), planar, n, channels, block,
            out[0] * out[1] * out[2],
                 (d * out[1] + h) * out[2] + first, count, gs);
      for (int pass = count ? 0 : 1; pass < 2; pass++) {
        for (long i = 0; i < window[0] && d * window[0] + i < in[0]; i++) {
          for (long j = 0; j < window[1] && h * window[1] + j < in[1]; j++) {
            const long z = d * window[0] + i, y = h * window[1] + j;
            if (pass == 0) segment_row(&s, n, block, z, y, low, count * window[2], row);
            memset(result, 0, sizeof result);
            for (long w = 0; w < count * window[2]; w++) {
              const long cell = w / window[2];
              const int32_t index = (int32_t)((i * window[1] + j) * window[2] + w % window[2]);
              if (pass == 1) {
                result[w] = select16(at[cell] == index, gs[cell], splat16(0));
                continue;
              }
              const v16i wins = ((row[w] > best[cell]) | (row[w] != row[w])) & (best[cell] == best[cell]);
              best[cell] = index == 0 ? row[w] : select16(wins, row[w], best[cell]);
              at[cell] = index == 0 ? (v16i){0} : (wins & index) | (~wins & at[cell]);
            }
            if (pass == 0) continue;
            const long all = in[0] * in[1] * in[2], voxel = (z * in[1] + y) * in[2] + low;
            if (mask) {
              if (accumulate) load_row(to, half, planar, n, channels, block, all, voxel, voxels, before);
              segment_row(&s, n, block, z, y, low, voxels, row);
              for (long w = 0; w < voxels; w++) {
                const v16 v = accumulate ? result[w] + before[w] : result[w];
                result[w] = select16(row[w] <= 0.0f, mask == ACTIVATION_leaky ? v * FLOAT(slopeBits) : splat16(0), v);
              }
            }
            store_row(to, half, planar, accumulate && !mask, n, channels, block, all, voxel, voxels, result);
          }
        }
      }
    }
  }
}
