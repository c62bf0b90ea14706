// What a norm's backward subtracts (scale times the two means), and the gradients of γ and β, from the chunks'
// sums, in order of sample and chunk. A group does all samples of a channel block.
#include "segment.cl"
enum {
  WORD_partials, WORD_sums, WORD_gradGamma, WORD_gradBeta, WORD_scale, WORD_renorm, WORD_N, WORD_C, WORD_voxels,
  WORD_chunkVoxels
};
#ifndef RENORM
#define RENORM 0
#endif
#ifndef BATCH
#define BATCH 0
#endif

static inline void add_to(const Arenas* arenas, long word, long block, int lanes, float16 sum) {
  if (word < 0) return;
  __global float* gradient = (__global float*)operand_at(arenas, word) + 16 * block;
  float lane[16];
  vstore16(sum, 0, lane);
  for (int c = 0; c < lanes; c++) gradient[c] += lane[c];
}

VOXCL_KERNEL(norm_backward_finalise) {
  VOXCL_BEGIN
  __global const float* partials = OPERAND(const float, partials);
  __global float* sums = OPERAND(float, sums);
  __global const float* scale = OPERAND(const float, scale);
  const int channels = (int)INTEGER(C), blocks = (channels + 15) / 16;
  const long samples = INTEGER(N), voxels = INTEGER(voxels), chunk_voxels = INTEGER(chunkVoxels);
  const long chunks = (voxels + chunk_voxels - 1) / chunk_voxels;
  for (long block = group; block < blocks; block += groups) {
    float16 all_plain = 0.0f, all_normalised = 0.0f;
    for (long n = 0; n < samples; n++) {
      float16 plain = 0.0f, normalised = 0.0f;
      for (long chunk = 0; chunk < chunks; chunk++) {
        const long at = 2 * ((n * blocks + block) * chunks + chunk);
        plain += vload16(at, partials);
        normalised += vload16(at + 1, partials);
      }
      all_plain += plain;
      all_normalised += normalised;
      if (BATCH) continue;
      const float16 factor = vload16(n * blocks + block, scale) / (float)voxels;
      vstore16(plain * factor, n * blocks + block, sums);
      vstore16(normalised * factor, (samples + n) * blocks + block, sums);
    }
    for (long n = 0; BATCH && n < samples; n++) {
      const float16 factor = vload16(n * blocks + block, scale) / (float)(samples * voxels);
      vstore16(all_plain * factor, n * blocks + block, sums);
      vstore16(all_normalised * factor, (samples + n) * blocks + block, sums);
    }
#if RENORM  // γ multiplies r·x̂ + d
    __global const float* renorm = OPERAND(const float, renorm);
    all_normalised = vload16(block, renorm) * all_normalised + vload16(blocks + block, renorm) * all_plain;
#endif
    const int lanes = lanes_of(channels, (int)block);
    add_to(&arenas, INTEGER(gradGamma), block, lanes, all_normalised);
    add_to(&arenas, INTEGER(gradBeta), block, lanes, all_plain);
  }
}
