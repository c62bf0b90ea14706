// x > 0 ? x : a·x, a one slope a channel or one for all.

#include "../segment.h"

VOXCL_KERNEL(prelu) {
  const long samples = INTEGER(N), channels = INTEGER(C), blocks = over(channels, 16);
  const long depth = INTEGER(D), height = INTEGER(H), width = INTEGER(W);
  const float *slopes = OPERAND(float, slopes);
  const struct segment s = SEGMENT(0, WORDS_END, DEFINE_SEGMENT0, samples);
  v16 row[SPAN];
  for (long tile = group; tile < samples * blocks * depth * height; tile += groups) {
    const long h = tile % height, d = tile / height % depth, at = tile / height / depth;
    const long n = at / blocks, block = at % blocks;
    v16 slope = splat16(0);
    for (long c = 0; c < least(16, channels - 16 * block); c++) slope[c] = slopes[DEFINE(SHARED) ? 0 : 16 * block + c];
    for (long first = 0; first < width; first += SPAN) {
      const long count = least(SPAN, width - first);
      segment_row(&s, n, block, d, h, first, count, row);
      for (long w = 0; w < count; w++) row[w] = select16(row[w] > 0.0f, row[w], row[w] * slope);
      store_row(OPERAND(uint8_t, out), (int)DEFINE(OUT_HALF), DEFINE(BLOCK) == 1, 0, n, channels, block,
                depth * height * width, (d * height + h) * width + first, count, row);
    }
  }
}
