// Sum or product of two values; the second one's only channel may serve for all.

#include "../segment.h"

VOXCL_KERNEL(combine) {
  const long samples = INTEGER(N), channels = INTEGER(C), blocks = over(channels, 16);
  const long depth = INTEGER(D), height = INTEGER(H), width = INTEGER(W);
  const int multiply = (int)DEFINE(MULTIPLY), widens = (int)DEFINE(WIDENS);
  const struct segment a = SEGMENT(0, WORDS_END, DEFINE_SEGMENT0, samples);
  const struct segment b = SEGMENT(1, WORDS_END, DEFINE_SEGMENT0, samples);
  v16 x[SPAN], y[SPAN];
  for (long tile = group; tile < samples * blocks * depth * height; tile += groups) {
    const long h = tile % height, d = tile / height % depth, at = tile / height / depth;
    const long n = at / blocks, block = at % blocks;
    for (long first = 0; first < width; first += SPAN) {
      const long count = least(SPAN, width - first);
      segment_row(&a, n, block, d, h, first, count, x);
      segment_row(&b, n, widens ? 0 : block, d, h, first, count, y);
      for (long w = 0; w < count; w++) {
        const v16 other = widens ? splat16(y[w][0]) : y[w];
        x[w] = multiply ? x[w] * other : x[w] + other;
      }
      store_row(OPERAND(uint8_t, out), (int)DEFINE(OUT_HALF), DEFINE(BLOCK) == 1, (int)DEFINE(ACCUMULATE), n,
                channels, block, depth * height * width, (d * height + h) * width + first, count, x);
    }
  }
}
