// Σ over the channels of one value, or of the product of two.

#include "../segment.h"

VOXCL_KERNEL(channel_dot) {
  const long samples = INTEGER(N), channels = INTEGER(C), blocks = over(channels, 16);
  const long depth = INTEGER(D), height = INTEGER(H), width = INTEGER(W);
  const struct segment a = SEGMENT(0, WORDS_END, DEFINE_SEGMENT0, samples);
  const struct segment b = SEGMENT(DEFINE(DOT) ? 1 : 0, WORDS_END, DEFINE_SEGMENT0, samples);
  v16 x[SPAN], y[SPAN], sums[SPAN];
  for (long tile = group; tile < samples * depth * height; tile += groups) {
    const long h = tile % height, d = tile / height % depth, n = tile / height / depth;
    for (long first = 0; first < width; first += SPAN) {
      const long count = least(SPAN, width - first);
      memset(sums, 0, sizeof sums);
      for (long block = 0; block < blocks; block++) {
        segment_row(&a, n, block, d, h, first, count, x);
        if (DEFINE(DOT)) segment_row(&b, n, block, d, h, first, count, y);
        for (long w = 0; w < count; w++)
          for (long c = 0; c < least(16, channels - 16 * block); c++)
            sums[w][0] += DEFINE(DOT) ? x[w][c] * y[w][c] : x[w][c];
      }
      store_row(OPERAND(uint8_t, out), (int)DEFINE(OUT_HALF), 1, (int)DEFINE(ACCUMULATE), n, 1, 0,
                depth * height * width, (d * height + h) * width + first, count, sums);
    }
  }
}
