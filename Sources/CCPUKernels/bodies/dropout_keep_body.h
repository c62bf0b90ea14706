// Keep-bits by Philox4x32-10 (Salmon et al., SC 2011), counted by the logical element, so that they do not
// depend on layout, tile or recompute.

#include "scalars.h"

#ifndef VOXCL_PHILOX
#define VOXCL_PHILOX
struct philox {
  uint32_t lane[4];
};
static inline struct philox philox_of(struct philox counter, uint32_t key0, uint32_t key1) {
  for (int round = 0; round < 10; round++, key0 += 0x9E3779B9u, key1 += 0xBB67AE85u) {
    const uint64_t a = (uint64_t)0xD2511F53u * counter.lane[0], b = (uint64_t)0xCD9E8D57u * counter.lane[2];
    counter = (struct philox){{(uint32_t)(b >> 32) ^ counter.lane[1] ^ key0, (uint32_t)b,
                               (uint32_t)(a >> 32) ^ counter.lane[3] ^ key1, (uint32_t)a}};
  }
  return counter;
}
#endif

VOXCL_KERNEL(dropout_keep) {
  const long channels = INTEGER(C), blocks = over(channels, 16), voxels = INTEGER(voxels), run = 1024;
  const long runs = over(voxels, run);
  const float *scalars = OPERAND(const float, scalars);
  const uint32_t key0 = (uint32_t)scalar_integer(scalars, SCALAR_seedLow) ^ (uint32_t)INTEGER(layerLow);
  const uint32_t key1 = (uint32_t)scalar_integer(scalars, SCALAR_seedHigh) ^ (uint32_t)INTEGER(layerHigh);
  const uint64_t threshold = (uint64_t)INTEGER(threshold);
  uint16_t *keep = OPERAND(uint16_t, keep);
  for (long tile = group; tile < INTEGER(N) * blocks * runs; tile += groups) {
    const long n = tile / runs / blocks, block = tile / runs % blocks, voxel = tile % runs * run;
    const long count = least(run, voxels - voxel), lanes = least(16, channels - 16 * block);
    uint16_t *bits = keep + (n * blocks + block) * voxels + voxel;
    memset(bits, 0, (size_t)count * sizeof *bits);
    for (long lane = 0; lane < lanes; lane++) {
      // Spatial: an element is a channel of a sample, and all its voxels have one bit.
      const int spatial = DEFINE(SPATIAL) != 0;
      const uint64_t channel = (uint64_t)(n * channels + 16 * block + lane);
      const uint64_t first = spatial ? channel : channel * (uint64_t)voxels + (uint64_t)voxel;
      struct philox values = {{0}};
      for (long i = 0; i < count; i++) {
        const uint64_t element = first + (spatial ? 0 : (uint64_t)i), quad = element / 4;
        if (i == 0 || (!spatial && element % 4 == 0))
          values = philox_of((struct philox){{(uint32_t)quad, (uint32_t)(quad >> 32),
              (uint32_t)scalar_integer(scalars, SCALAR_microBatch),
                                              (uint32_t)scalar_integer(scalars, SCALAR_step)}}, key0, key1);
        bits[i] |= (uint16_t)((values.lane[element % 4] >= threshold) << lane);
      }
    }
  }
}
