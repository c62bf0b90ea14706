// What convolutions share: the epilogue.
#include "vector_sums.cl"

// Bias of the block whose first channel is `first`, zero in lanes that do not exist. `bias` null: zero.
static inline float16 bias_of(__global const float* bias, int first, int lanes) {
  // No masks where there is no bias: a masked load of address 0 takes a processor hundreds of cycles, whatever the mask.
  if (bias == 0) return 0.0f;
  if (lanes == 16) return vload16(0, bias + first);
  float lane[16];
  for (int c = 0; c < 16; c++) lane[c] = c < lanes ? bias[first + c] : 0.0f;
  return vload16(0, lane);
}

// Where a convolution's sums go. `planar`, `half_stored` and `activation` are constants of the caller.
typedef struct {
  __global uchar* out;
  __global const uchar* mask;  // an activation's outputs, stored like `out`, `mask_voxels` a plane
  int planar, half_stored, accumulate, activation, masks, channels;
  float slope;
  long voxels, mask_voxels;
  bool streams;  // more than caches hold
} Sink;

// What is stored of v, element `at`: with what stands there, and times the derivative of the activation whose outputs are
// the mask, element `at_mask`: 1 relu, 2 leaky relu.
static inline float16 stored_of(Sink s, float16 v, long at, long at_mask) {
  if (s.accumulate) v += load16(s.out, at, s.half_stored);
  if (s.masks == 0) return v;
  const int16 ends = load16(s.mask, at_mask, s.half_stored) <= 0.0f;
#ifdef __AMDGCN__  // clang 16 crashes on the select of fp16 outputs
  #pragma unroll 1
  for (int l = 0; l < 16; l++)
    if (ends[l]) v[l] = s.masks == 2 ? v[l] * s.slope : 0.0f;
  return v;
#else
  return select(v, s.masks == 2 ? v * s.slope : (float16)0.0f, ends);
#endif
}
static inline float stored_of1(Sink s, float v, long at, long at_mask) {
  if (s.accumulate) v += load1(s.out, at, s.half_stored);
  if (s.masks == 0 || !(load1(s.mask, at_mask, s.half_stored) <= 0.0f)) return v;
  return s.masks == 2 ? v * s.slope : 0.0f;
}

// Bias, activation and store of up to sixteen columns of a planar channel, from voxel `voxel` on in steps of `step`.
static inline void store_columns(Sink s, float16 sum, float bias, long n, int channel, long voxel, int step, int count) {
  const float16 v = activate(sum + bias, s.activation, s.slope);
  const long at = (n * s.channels + channel) * s.voxels + voxel;
  const long mask = (n * s.channels + channel) * s.mask_voxels + voxel;
  if (step == 1 && count >= 16) return store16(s.out, at, stored_of(s, v, at, mask), s.half_stored);
  float lane[16];
  vstore16(v, 0, lane);
  for (int i = 0; i < min(count, 16); i++)
    store1(s.out, at + i * step, stored_of1(s, lane[i], at + i * step, mask + i * step), s.half_stored);
}

// Bias, activation and store of `count` voxels of a block, from voxel `voxel` on in steps of `step`.
static inline void store_voxels(Sink s, const float16* sums, float16 bias, long n, int block, long voxel,
                                int step, int count) {
  const int lanes = lanes_of(s.channels, block);
  int t = 0;
#ifdef TRANSPOSES
  if (s.planar && step == 1 && count >= 16 && (!s.accumulate || count % 16 == 0))
    for (; t < count; t += 16) {
      const int from = min(t, count - 16);  // the last sixteen may repeat some
      float16 v[16];
      for (int i = 0; i < 16; i++) v[i] = activate(sums[from + i] + bias, s.activation, s.slope);
      transpose16(v);
      for (int c = 0; c < lanes; c++) {
        const long plane = n * s.channels + 16 * block + c, at = plane * s.voxels + voxel + from;
        store16(s.out, at, stored_of(s, v[c], at, plane * s.mask_voxels + voxel + from), s.half_stored);
      }
    }
#endif
  for (; t < count; t++) {
    float16 v = activate(sums[t] + bias, s.activation, s.slope);
    if (!s.planar) {
      const long plane = n * ((s.channels + 15) / 16) + block, at = (plane * s.voxels + voxel + t * step) * 16;
      if (s.activation == 3) v = select((float16)0.0f, v, LANE_IDS < lanes);
      v = stored_of(s, v, at, (plane * s.mask_voxels + voxel + t * step) * 16);
      stream16(s.out, at, v, s.half_stored, s.streams);
    } else {
      float lane[16];
      vstore16(v, 0, lane);
      for (int c = 0; c < lanes; c++) {
        const long plane = n * s.channels + 16 * block + c, at = plane * s.voxels + voxel + t * step;
        store1(s.out, at, stored_of1(s, lane[c], at, plane * s.mask_voxels + voxel + t * step), s.half_stored);
      }
    }
  }
}
