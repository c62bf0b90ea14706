// out[p] = the largest of the window of segment 0; NaN wins. Windows that do not fit are dropped.

#include "../segment.h"

VOXCL_KERNEL(max_pool) {
  const long channels = INTEGER(C), blocks = over(channels, 16), samples = INTEGER(N);
  const long depth = INTEGER(outD), height = INTEGER(outH), width = INTEGER(outW);
  const long window[3] = {INTEGER(windowD), INTEGER(windowH), INTEGER(windowW)},
      voxels = depth * height * width;
  const struct segment s = SEGMENT(0, WORDS_END, DEFINE_SEGMENT0, samples);
  v16 row[SPAN], best[SPAN];
  const long span = most(1, SPAN / window[2]);
  for (long tile = group; tile < samples * blocks * depth * height; tile += groups) {
    const long n = tile / height / depth / blocks, block = tile / height / depth % blocks;
    const long d = tile / height % depth, h = tile % height;
    for (long first = 0; first < width; first += span) {
      const long count = least(span, width - first);
      int started = 0;
      for (long i = 0; i < window[0]; i++) {
        for (long j = 0; j < window[1]; j++, started = 1) {
          segment_row(&s, n, block, d * window[0] + i, h * window[1] + j, first * window[2],
              count * window[2], row);
          for (long w = 0; w < count; w++) {
            v16 largest = started ? best[w] : row[w * window[2]];
            for (long k = 0; k < window[2]; k++) {
              const v16 v = row[w * window[2] + k];
              largest = select16((v > largest) | (v != v), v, largest);
            }
            best[w] = largest;
          }
        }
      }
      store_row(OPERAND(uint8_t, out), (int)DEFINE(OUT_HALF), DEFINE(BLOCK) == 1, 0, n, channels, block,
          voxels,
                (d * height + h) * width + first, count, best);
    }
  }
}
