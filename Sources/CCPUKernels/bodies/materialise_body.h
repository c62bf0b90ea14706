// Stores a segment's value, through an activation, into channels [firstC, firstC + C) of `out`.

#include "../segment.h"

VOXCL_KERNEL(materialise) {
  const long samples = INTEGER(N), channels = INTEGER(outC), first_channel = INTEGER(firstC);
  const long depth = INTEGER(D), height = INTEGER(H), width = INTEGER(W), voxels = depth * height * width;
  const int half = (int)DEFINE(OUT_HALF), planar = DEFINE(OUT_BLOCK) == 1, activation = (int)DEFINE(OUT_ACT);
  const float slope = FLOAT(slopeBits);
  uint8_t *out = OPERAND(uint8_t, out);
  const struct segment s = SEGMENT(0, WORDS_END, DEFINE_SEGMENT0, samples);
  const long out_blocks = over(channels, 16), last = first_channel + s.channels;
  v16 row[SPAN];
  // Where source and output blocks coincide and no lane of a touched block belongs to other channels.
  const int whole = !planar && first_channel % 16 == 0 && (s.channels % 16 == 0 || last == channels);
  for (long tile = group; tile < samples * depth * height; tile += groups) {
    const long n = tile / height / depth, d = tile / height % depth, h = tile % height;
    for (long first = 0; first < width; first += SPAN) {
      const long count = least(SPAN, width - first), voxel = (d * height + h) * width + first;
      for (long block = 0; block < s.blocks; block++) {
        segment_row(&s, n, block, d, h, first, count, row);
        if (activation) for (long i = 0; i < count; i++) row[i] = activate16(row[i], activation, slope);
        if (whole) {
          store_row(out, half, 0, 0, n, channels, first_channel / 16 + block, voxels, voxel, count, row);
          continue;
        }
        for (long lane = 0; lane < least(16, s.channels - 16 * block); lane++) {
          const long c = first_channel + 16 * block + lane;
          for (long i = 0; i < count; i++) {
            const long element = planar ? (n * channels + c) * voxels + voxel + i
                                        : ((n * out_blocks + c / 16) * voxels + voxel + i) * 16 + c % 16;
            store1(out, element, row[i][lane], half);
          }
        }
      }
      if (whole || planar || last <= 16 * (out_blocks - 1)) continue;
      for (long i = 0; i < count; i++)  // padding lanes of the last block
        for (long lane = channels - 16 * (out_blocks - 1); lane < 16; lane++)
          store1(out, ((n * out_blocks + out_blocks - 1) * voxels + voxel + i) * 16 + lane, 0.0f, half);
    }
  }
}
