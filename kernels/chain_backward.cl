// Gradient back through norm → activation → dropout to the stored tensor z, and on through the activation
// in the epilogue of z's producer. One pass: it reads g and z once and may write over g.
#include "segment.cl"
enum {
  WORD_out, WORD_g, WORD_z, WORD_scale, WORD_mean, WORD_sums, WORD_keep, WORD_N, WORD_C, WORD_voxels,
  WORD_slopeBits, WORD_keepScaleBits, WORD_preSlopeBits
};
#ifndef Z_HALF
#define Z_HALF 0
#endif
#ifndef G_HALF
#define G_HALF 0
#endif
#ifndef OUT_HALF
#define OUT_HALF 0
#endif
#ifndef BLOCK
#define BLOCK 16
#endif
#ifndef NORM
#define NORM 0
#endif
#ifndef ACT
#define ACT 0
#endif
#ifndef KEEP
#define KEEP 0
#endif
#ifndef PRE_ACT
#define PRE_ACT 0
#endif
#ifndef ACCUMULATE
#define ACCUMULATE 0
#endif
#define READS_Z (NORM || ACT || PRE_ACT)

// Coefficients of a row of voxels: of 16 channels, or (planar) of one channel in all lanes.
typedef struct {
  float16 scale, shift, mean, sum0, rstd_sum1;
  float slope, keep_scale, pre_slope;
} Chain;

static inline float16 back(float16 g, float16 z, int16 kept, const Chain* chain) {
  if (KEEP) g = select((float16)0.0f, g * chain->keep_scale, kept);
  const float16 x = NORM ? z * chain->scale + chain->shift : z;
  g = activation_gradient(g, x, ACT, chain->slope);
  if (NORM) g = chain->scale * g - (chain->sum0 + (z - chain->mean) * chain->rstd_sum1);
  if (PRE_ACT == 1) g = select((float16)0.0f, g, z > 0.0f);
  if (PRE_ACT == 2) g = select(g * chain->pre_slope, g, z > 0.0f);
  if (PRE_ACT == 3) g = g * z * (1.0f - z);
  if (PRE_ACT == 4) g = select(g * (z + chain->pre_slope), g, z > 0.0f);
  if (PRE_ACT == 7) g = g * (1.0f - z * z);
  return g;
}

#if BLOCK == 1
// Up to 16 voxels of one channel.
static inline float16 load_run(__global const uchar* base, long element, int count, const int half_stored) {
  if (count >= 16) return load16(base, element, half_stored);
  float lane[16];
  for (int i = 0; i < 16; i++) lane[i] = i < count ? load1(base, element + i, half_stored) : 0.0f;
  return vload16(0, lane);
}
static inline void store_run(__global uchar* base, long element, int count, float16 v,
                             const int half_stored) {
  if (count >= 16) {
    store16(base, element, v, half_stored);
    return;
  }
  float lane[16];
  vstore16(v, 0, lane);
  for (int i = 0; i < count; i++) store1(base, element + i, lane[i], half_stored);
}
static inline int16 kept_run(__global const ushort* keep, long voxel, int count, int channel) {
  int lane[16];
  for (int i = 0; i < 16; i++) lane[i] = i < count ? -(keep[voxel + i] >> channel & 1) : 0;
  return vload16(0, lane);
}
#endif

// Voxels that a group does at a time, of one sample and channel block (planar: channel).
#define RUN 1024

VOXCL_KERNEL(chain_backward) {
  VOXCL_BEGIN
  __global uchar* out = OPERAND(uchar, out);
  __global const uchar* g = OPERAND(const uchar, g);
#if READS_Z
  __global const uchar* z = OPERAND(const uchar, z);
#endif
#if KEEP
  __global const ushort* keep = OPERAND(const ushort, keep);
#endif
  const int channels = (int)INTEGER(C), blocks = (channels + 15) / 16;
  const long voxels = INTEGER(voxels), samples = INTEGER(N), runs = (voxels + RUN - 1) / RUN;
  const int planes = BLOCK == 16 ? blocks : channels;
  const bool streams = !ACCUMULATE && out != g && samples * channels * voxels > STREAM_FROM;
  Chain chain;
  chain.slope = FLOAT(slopeBits);
  chain.keep_scale = FLOAT(keepScaleBits);
  chain.pre_slope = FLOAT(preSlopeBits);
  const long rows = samples * planes * runs;
  for (long row = group * rows / groups; row < (group + 1) * rows / groups; row++) {  // one behind the other in memory
    const long plane = row / runs, first = (row % runs) * RUN;
    const int count = (int)min((long)RUN, voxels - first);
#if BLOCK == 16
#if NORM
    __global const float* scale = OPERAND(const float, scale);
    __global const float* mean = OPERAND(const float, mean);
    __global const float* sums = OPERAND(const float, sums);
    const long behind = samples * blocks;
    chain.scale = vload16(plane, scale);
    chain.shift = vload16(behind + plane, scale);
    chain.mean = vload16(plane, mean);
    chain.sum0 = vload16(plane, sums);
    chain.rstd_sum1 = vload16(behind + plane, mean) * vload16(behind + plane, sums);
#endif
    for (int i = 0; i < count; i++) {
      const long voxel = plane * voxels + first + i, at = 16 * voxel;
      float16 zs = 0.0f;
      int16 kept = 0;
#if READS_Z
      zs = load16(z, at, Z_HALF);
#endif
#if KEEP
      kept = ((int16)keep[voxel] & ((int16)1 << LANE_IDS)) != 0;
#endif
      float16 v = back(load16(g, at, G_HALF), zs, kept, &chain);
      if (ACCUMULATE) v += load16(out, at, OUT_HALF);
      stream16(out, at, v, OUT_HALF, streams);
    }
#else
    const long n = plane / channels, channel = plane % channels, block = channel / 16;
#if NORM
    __global const float* scale = OPERAND(const float, scale);
    __global const float* mean = OPERAND(const float, mean);
    __global const float* sums = OPERAND(const float, sums);
    const long behind = samples * blocks * 16, lane = n * blocks * 16 + channel;
    chain.scale = scale[lane];
    chain.shift = scale[behind + lane];
    chain.mean = mean[lane];
    chain.sum0 = sums[lane];
    chain.rstd_sum1 = mean[behind + lane] * sums[behind + lane];
#endif
    for (int i = 0; i < count; i += 16) {
      const long at = plane * voxels + first + i;
      const int some = min(16, count - i);
      float16 zs = 0.0f;
      int16 kept = 0;
#if READS_Z
      zs = load_run(z, at, some, Z_HALF);
#endif
#if KEEP
      kept = kept_run(keep, (n * blocks + block) * voxels + first + i, some, (int)(channel % 16));
#endif
      float16 v = back(load_run(g, at, some, G_HALF), zs, kept, &chain);
      if (ACCUMULATE) v += load_run(out, at, some, OUT_HALF);
      store_run(out, at, some, v, OUT_HALF);
    }
    (void)n, (void)block;
#endif
  }
}
