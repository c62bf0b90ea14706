// Adjoint of resample, as a gather: a source voxel sums g over the positions that read it, in D, H, W order.
#include "resampling.cl"
enum {
  WORD_gSource, WORD_g, WORD_N, WORD_C, WORD_sourceD, WORD_sourceH, WORD_sourceW, WORD_D, WORD_H, WORD_W, WORD_lowD,
  WORD_lowH, WORD_lowW
};
#ifndef G_HALF
#define G_HALF 0
#endif
#ifndef OUT_HALF
#define OUT_HALF 0
#endif
#ifndef BLOCK
#define BLOCK 16
#endif
#ifndef ACCUMULATE
#define ACCUMULATE 0
#endif

VOXCL_KERNEL(resample_backward) {
  VOXCL_BEGIN
  __global uchar* out = OPERAND(uchar, gSource);
  __global const uchar* g = OPERAND(const uchar, g);
  const int channels = (int)INTEGER(C), blocks = (channels + 15) / 16;
  const Resampled z = {INTEGER(sourceD), INTEGER(D), INTEGER(lowD)};
  const Resampled y = {INTEGER(sourceH), INTEGER(H), INTEGER(lowH)};
  const Resampled x = {INTEGER(sourceW), INTEGER(W), INTEGER(lowW)};
  for (long row = group; row < INTEGER(N) * blocks * z.source * y.source; row += groups) {
    const VoxelRow r = voxel_row(row, blocks, z.source, y.source);
    const Readers ds = readers_of(&z, r.d), hs = readers_of(&y, r.h);
    for (long v = 0; v < x.source; v++) {
      const Readers ws = readers_of(&x, v);
      float16 sum = 0.0f;
      for (long d = ds.first; d < ds.end; d++) {
        const float weight_d = weight_at(&z, d, r.d);
        for (long h = hs.first; weight_d != 0.0f && h < hs.end; h++) {
          const float weight_h = weight_d * weight_at(&y, h, r.h);
          for (long w = ws.first; weight_h != 0.0f && w < ws.end; w++) {
            const float weight = weight_h * weight_at(&x, w, v);
            if (weight != 0.0f)
              sum += weight * block_at(g, BLOCK == 1, G_HALF, r.n, channels, r.block,
                                       z.extent * y.extent * x.extent, (d * y.extent + h) * x.extent + w);
          }
        }
      }
      put_block(out, BLOCK == 1, OUT_HALF, ACCUMULATE, r.n, channels, r.block, z.source * y.source * x.source,
                (r.d * y.source + r.h) * x.source + v, sum);
    }
  }
}
