// Padding and resizing of a stored tensor.
#include "resampling.cl"
enum {
  WORD_out, WORD_source, WORD_N, WORD_C, WORD_sourceD, WORD_sourceH, WORD_sourceW, WORD_D, WORD_H, WORD_W, WORD_lowD,
  WORD_lowH, WORD_lowW, WORD_valueBits
};
#ifndef SOURCE_HALF
#define SOURCE_HALF 0
#endif
#ifndef OUT_HALF
#define OUT_HALF 0
#endif
#ifndef BLOCK
#define BLOCK 16
#endif

VOXCL_KERNEL(resample) {
  VOXCL_BEGIN
  __global uchar* out = OPERAND(uchar, out);
  __global const uchar* source = OPERAND(const uchar, source);
  const int channels = (int)INTEGER(C), blocks = (channels + 15) / 16;
  const Resampled z = {INTEGER(sourceD), INTEGER(D), INTEGER(lowD)};
  const Resampled y = {INTEGER(sourceH), INTEGER(H), INTEGER(lowH)};
  const Resampled x = {INTEGER(sourceW), INTEGER(W), INTEGER(lowW)};
  const long stored = z.source * y.source * x.source;
  for (long row = group; row < INTEGER(N) * blocks * z.extent * y.extent; row += groups) {
    const VoxelRow r = voxel_row(row, blocks, z.extent, y.extent);
    const Interpolation d = taps_at(&z, r.d), h = taps_at(&y, r.h);
    for (long v = 0; v < x.extent; v++) {
      const Interpolation w = taps_at(&x, v);
      float16 sum = 0.0f;
      if (MODE == 0 && (d.low < 0 || h.low < 0 || w.low < 0)) sum = FLOAT(valueBits);
      else
        for (int corner = 0; corner < (MODE < 4 ? 1 : 8); corner++) {
          const float weight = (corner & 4 ? d.weight : 1.0f - d.weight) * (corner & 2 ? h.weight : 1.0f - h.weight)
                               * (corner & 1 ? w.weight : 1.0f - w.weight);
          if (weight == 0.0f) continue;  // not read: it may be NaN
          const long at = ((corner & 4 ? d.high : d.low) * y.source + (corner & 2 ? h.high : h.low)) * x.source
                          + (corner & 1 ? w.high : w.low);
          sum += weight * block_at(source, BLOCK == 1, SOURCE_HALF, r.n, channels, r.block, stored, at);
        }
      put_block(out, BLOCK == 1, OUT_HALF, 0, r.n, channels, r.block, z.extent * y.extent * x.extent,
                (r.d * y.extent + r.h) * x.extent + v, sum);
    }
  }
}
