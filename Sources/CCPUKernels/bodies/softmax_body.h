// Softmax over the channels.

#include "../segment.h"

VOXCL_KERNEL(softmax) {
  const long samples = INTEGER(N), channels = INTEGER(C), blocks = over(channels, 16);
  const long depth = INTEGER(D), height = INTEGER(H), width = INTEGER(W), voxels = depth * height * width;
  const struct segment s = SEGMENT(0, WORDS_END, DEFINE_SEGMENT0, samples);
  v16 row[SPAN];
  float top[SPAN], sums[SPAN];
  for (long tile = group; tile < samples * depth * height; tile += groups) {
    const long h = tile % height, d = tile / height % depth, n = tile / height / depth;
    for (long first = 0; first < width; first += SPAN) {
      const long count = least(SPAN, width - first), voxel = (d * height + h) * width + first;
      for (long i = 0; i < count; i++) top[i] = -INFINITY, sums[i] = 0;
      for (int pass = 0; pass < 3; pass++) {
        for (long block = 0; block < blocks; block++) {
          const long lanes = least(16, channels - 16 * block);
          segment_row(&s, n, block, d, h, first, count, row);
          for (long i = 0; i < count; i++) {
            if (pass == 0) {
              for (long c = 0; c < lanes; c++) top[i] = fmaxf(top[i], row[i][c]);
              continue;
            }
            row[i] = exp16(row[i] - splat16(top[i]));
            if (pass == 1) for (long c = 0; c < lanes; c++) sums[i] += row[i][c];
            else row[i] = row[i] / splat16(sums[i]);
          }
          if (pass == 2)
            store_row(OPERAND(uint8_t, out), (int)DEFINE(OUT_HALF), DEFINE(BLOCK) == 1, 0, n, channels, block,
                      voxels, voxel, count, row);
        }
      }
    }
  }
}
