// Keep-bits of a dropout: Philox4x32-10 (Salmon et al. 2011) of 16 channels at a time. The counter is the
// element's logical index, so that the bits are the same for every layout, tile and recomputation.
#include "segment.cl"
#include "lanes.cl"
enum {
  WORD_keep, WORD_scalars, WORD_N, WORD_C, WORD_voxels, WORD_layerLow, WORD_layerHigh, WORD_threshold
};

#ifndef SPATIAL
#define SPATIAL 0
#endif

// Of Sources/ExecutionPlan/Scalars.swift.
enum { SCALAR_microBatch = 1, SCALAR_seedLow = 11, SCALAR_seedHigh = 12, SCALAR_step = 13 };
// Voxels that a group does at a time; a multiple of 4.
#define RUN 1024

typedef struct { uint key0, key1, micro_batch, step, threshold; } Stream;

// Low and high word of a·m. Built-in mul_hi goes lane by lane on some CPUs.
static inline void multiply(uint16 a, uint m, uint16* low, uint16* high) {
  const ulong16 product = convert_ulong16(a) * (ulong)m;
  *low = convert_uint16(product);
  *high = convert_uint16(product >> 32);
}

// Bit k: whether the element 4·quad + k is kept.
static inline uint16 kept_of_quad(ulong16 quad, const Stream* stream) {
  uint16 c0 = convert_uint16(quad), c1 = convert_uint16(quad >> 32);
  uint16 c2 = stream->micro_batch, c3 = stream->step;
  uint key0 = stream->key0, key1 = stream->key1;
  for (int round = 0; round < 10; round++) {
    uint16 low0, high0, low1, high1;
    multiply(c0, 0xD2511F53u, &low0, &high0);
    multiply(c2, 0xCD9E8D57u, &low1, &high1);
    c0 = high1 ^ c1 ^ key0;
    c1 = low1;
    c2 = high0 ^ c3 ^ key1;
    c3 = low0;
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  const uint threshold = stream->threshold;
  return (as_uint16(c0 >= threshold) & 1u) | (as_uint16(c1 >= threshold) & 2u)
       | (as_uint16(c2 >= threshold) & 4u) | (as_uint16(c3 >= threshold) & 8u);
}

// Two ushorts, each with a bit of every lane: bits 0 to 15 of the words of two vectors whose words hold one
// bit.
static inline uint gather_bits(uint16 first, uint16 second) {
  return bits_of_lanes((first << convert_uint16(LANE_IDS)) | (second << convert_uint16(LANE_IDS) << 16));
}

VOXCL_KERNEL(dropout_keep) {
  VOXCL_BEGIN
  __global ushort* keep = OPERAND(ushort, keep);
  __global const float* scalars = OPERAND(const float, scalars);
  const int channels = (int)INTEGER(C), blocks = (channels + 15) / 16;
  const long voxels = INTEGER(voxels), runs = (voxels + RUN - 1) / RUN;
  Stream stream;
  stream.key0 = as_uint(scalars[SCALAR_seedLow]) ^ (uint)INTEGER(layerLow);
  stream.key1 = as_uint(scalars[SCALAR_seedHigh]) ^ (uint)INTEGER(layerHigh);
  stream.micro_batch = as_uint(scalars[SCALAR_microBatch]);
  stream.step = as_uint(scalars[SCALAR_step]);
  stream.threshold = (uint)min(INTEGER(threshold), 0xffffffffL);
  for (long row = group; row < INTEGER(N) * blocks * runs; row += groups) {
    const long plane = row / runs, n = plane / blocks;
    const long begin = (row % runs) * RUN, end = min(begin + RUN, voxels);
    const int block = (int)(plane % blocks), lanes = lanes_of(channels, block);
#if SPATIAL  // an element is a channel of a sample: all its voxels have one bit
    const ulong16 which = convert_ulong16(LANE_IDS) + (ulong)(n * channels + 16 * block);
    const uint16 drawn = kept_of_quad(which >> 2, &stream) >> (convert_uint16(which) & 3u) & 1u;
    const uint all = gather_bits(drawn, drawn) & ((1u << lanes) - 1u);
    for (long v = begin; v < end; v++) keep[plane * voxels + v] = (ushort)all;
    continue;
#endif
    // Each channel's elements start anywhere in a quad: a lane's four voxels need two quads in general.
    const ulong16 channel = convert_ulong16(LANE_IDS) + (ulong)(n * channels + 16 * block);
    const ulong16 element = channel * (ulong)voxels + (ulong)begin;
    const uint16 phase = convert_uint16(element) & 3u;
    ulong16 quad = element >> 2;
    const uint mask = (1u << lanes) - 1u, both = mask | mask << 16;
    uint16 bits = kept_of_quad(quad, &stream);
    for (long v = begin; v < end; v += 4) {
      quad += 1UL;
      const uint16 next = kept_of_quad(quad, &stream), window = (bits | next << 4) >> phase;
      const uint low = gather_bits(window & 1u, window >> 1 & 1u) & both;
      const uint high = gather_bits(window >> 2 & 1u, window >> 3 & 1u) & both;
      __global ushort* to = keep + plane * voxels + v;
      to[0] = (ushort)low;
      if (v + 1 < end) to[1] = (ushort)(low >> 16);
      if (v + 2 < end) to[2] = (ushort)high;
      if (v + 3 < end) to[3] = (ushort)(high >> 16);
      bits = next;
    }
  }
}
