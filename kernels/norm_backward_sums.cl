// Σ g′ and Σ g′·x̂ of a chunk, per channel: what a norm's backward needs of the whole tensor.
// g′ is the gradient at the norm's output: g back through dropout and activation.
#include "segment.cl"
#include "lanes.cl"
enum {
  WORD_g, WORD_z, WORD_scale, WORD_mean, WORD_keep, WORD_partials, WORD_N, WORD_C, WORD_voxels,
  WORD_chunkVoxels, WORD_slopeBits, WORD_keepScaleBits
};
#ifndef Z_HALF
#define Z_HALF 0
#endif
#ifndef G_HALF
#define G_HALF 0
#endif
#ifndef BLOCK
#define BLOCK 16
#endif
#ifndef ACT
#define ACT 0
#endif
#ifndef KEEP
#define KEEP 0
#endif

// What the sums of one row of voxels need: of 16 channels, or (planar) of one channel in all lanes.
typedef struct {
  float16 scale, shift, mean;
  float slope, keep_scale;
} Chain;

// g·keep·keepScale·act′(scale·z + shift)
static inline float16 gradient_at(float16 g, float16 z, int16 kept, const Chain* chain) {
  if (KEEP) g = select((float16)0.0f, g * chain->keep_scale, kept);
  const float16 x = z * chain->scale + chain->shift;
  return activation_gradient(g, x, ACT, chain->slope);
}

typedef struct { float16 plain, centred; } Sums;
static inline void add(Sums* sums, float16 g, float16 z, int16 kept, const Chain* chain) {
  const float16 gradient = gradient_at(g, z, kept, chain);
  sums->plain += gradient;
  sums->centred += gradient * (z - chain->mean);
}

#if BLOCK == 16
static inline int16 kept_lanes(__global const ushort* keep, long voxel) {
  return ((int16)keep[voxel] & ((int16)1 << LANE_IDS)) != 0;
}
#else
#endif

VOXCL_KERNEL(norm_backward_sums) {
  VOXCL_BEGIN
  __global const uchar* g = OPERAND(const uchar, g);
  __global const uchar* z = OPERAND(const uchar, z);
  __global const float* scale = OPERAND(const float, scale);
  __global const float* mean = OPERAND(const float, mean);
  __global float* partials = OPERAND(float, partials);
#if KEEP
  __global const ushort* keep = OPERAND(const ushort, keep);
#define KEPT(voxel) kept_lanes(keep, voxel)
#else
#define KEPT(voxel) ((int16)0)
#endif
  const int channels = (int)INTEGER(C), blocks = (channels + 15) / 16;
  const long voxels = INTEGER(voxels), chunk_voxels = INTEGER(chunkVoxels), samples = INTEGER(N);
  const long chunks = (voxels + chunk_voxels - 1) / chunk_voxels, rows = samples * blocks * chunks;
  for (long row = group * rows / groups; row < (group + 1) * rows / groups; row++) {  // one behind the other in memory
    const long plane = row / chunks, first = (row % chunks) * chunk_voxels;
    const int count = (int)min(chunk_voxels, voxels - first);
    Chain chain;
    chain.slope = FLOAT(slopeBits);
    chain.keep_scale = FLOAT(keepScaleBits);
#if BLOCK == 16
    chain.scale = vload16(plane, scale);
    chain.shift = vload16(samples * blocks + plane, scale);
    chain.mean = vload16(plane, mean);
    const long voxel = plane * voxels + first;
    Sums even = {0.0f, 0.0f}, odd = {0.0f, 0.0f};
    int i = 0;
    for (; i + 2 <= count; i += 2) {
      const long at = voxel + i;
      add(&even, load16(g, 16 * at, G_HALF), load16(z, 16 * at, Z_HALF), KEPT(at), &chain);
      add(&odd, load16(g, 16 * at + 16, G_HALF), load16(z, 16 * at + 16, Z_HALF), KEPT(at + 1), &chain);
    }
    if (i < count) {
      const long at = voxel + i;
      add(&even, load16(g, 16 * at, G_HALF), load16(z, 16 * at, Z_HALF), KEPT(at), &chain);
    }
    vstore16(even.plain + odd.plain, 2 * row, partials);
    vstore16((even.centred + odd.centred) * vload16(samples * blocks + plane, mean), 2 * row + 1, partials);
#else
    const long n = plane / blocks;
    const int block = (int)(plane % blocks), lanes = lanes_of(channels, block);
    for (int c = 0; c < 16; c++) {
      const long at = plane * 16 + c, behind = samples * blocks * 16;
      Sums sums = {0.0f, 0.0f};
      chain.scale = scale[at];
      chain.shift = scale[behind + at];
      chain.mean = mean[at];
      const long element = (n * channels + 16 * block + c) * voxels + first;
      for (int i = 0; c < lanes && i < count; i += 16) {
        float16 gs, zs;
        int16 kept = 0;
        if (i + 16 <= count) {
          gs = load16(g, element + i, G_HALF);
          zs = load16(z, element + i, Z_HALF);
#if KEEP
          kept = (convert_int16(vload16(0, keep + plane * voxels + first + i)) & (int16)(1 << c)) != 0;
#endif
        } else {
          float g_lane[16], z_lane[16];
          int kept_lane[16];
          for (int j = 0; j < 16; j++) {
            g_lane[j] = z_lane[j] = 0.0f;
            kept_lane[j] = 0;
            if (i + j >= count) continue;
            g_lane[j] = load1(g, element + i + j, G_HALF);
            z_lane[j] = load1(z, element + i + j, Z_HALF);
#if KEEP
            kept_lane[j] = keep[plane * voxels + first + i + j] >> c & 1 ? -1 : 0;
#endif
          }
          gs = vload16(0, g_lane);
          zs = vload16(0, z_lane);
          kept = vload16(0, kept_lane);
        }
        add(&sums, gs, zs, kept, &chain);
      }
      partials[row * 32 + c] = sum_of_lanes(sums.plain);
      partials[row * 32 + 16 + c] = sum_of_lanes(sums.centred) * mean[behind + at];
    }
#endif
  }
}
