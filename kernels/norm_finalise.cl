// Statistics of a norm from those of its chunks, by Chan, Golub & LeVeque's formula (1983), and the affine
// form in which every reader of the stored tensor applies it: scale·z + shift.
#include "statistics.cl"
enum {
  WORD_partials, WORD_gamma, WORD_beta, WORD_scale, WORD_mean, WORD_runningMean, WORD_runningVariance,
  WORD_bias, WORD_scalars, WORD_renorm, WORD_N, WORD_C, WORD_voxels, WORD_chunkVoxels, WORD_epsilonBits,
  WORD_momentumBits
};
// Of Sources/ExecutionPlan/Scalars.swift.
enum { SCALAR_renormRMax = 17, SCALAR_renormDMax = 18 };
#ifndef BATCH
#define BATCH 0
#endif
#ifndef RUNNING
#define RUNNING 0
#endif

// Values of a parameter at a block's channels; `otherwise` where there is no parameter or no channel.
static inline float16 parameters(const Arenas* arenas, long word, long block, int lanes, float otherwise) {
  float lane[16];
  for (int c = 0; c < 16; c++)
    lane[c] = word < 0 || c >= lanes
      ? otherwise : ((__global const float*)operand_at(arenas, word))[16 * block + c];
  return vload16(0, lane);
}

// Batch renorm keeps a running standard deviation where batch norm keeps a variance.
#define TRAINS (RUNNING == 1 || RUNNING == 3)
#define PREDICTS (RUNNING == 2 || RUNNING == 4)
#if TRAINS
static inline void move_running(__global float* running, float16 batch, float momentum, int lanes) {
  float lane[16];
  vstore16(batch, 0, lane);
  for (int c = 0; c < lanes; c++) running[c] += momentum * (lane[c] - running[c]);
}
#endif

// A group does all samples of a channel block.
VOXCL_KERNEL(norm_finalise) {
  VOXCL_BEGIN
  __global float* scale = OPERAND(float, scale);
  __global float* mean = OPERAND(float, mean);
  const int channels = (int)INTEGER(C), blocks = (channels + 15) / 16;
  // Padded: float16s from scale to shift, and from mean to rstd.
  const long samples = INTEGER(N), padded = samples * blocks;
  const float epsilon = FLOAT(epsilonBits);
#if !PREDICTS
  __global const float* partials = OPERAND(const float, partials);
  const long voxels = INTEGER(voxels), chunk_voxels = INTEGER(chunkVoxels);
  const long chunks = (voxels + chunk_voxels - 1) / chunk_voxels;
#endif
  for (long block = group; block < blocks; block += groups) {
    const int lanes = lanes_of(channels, (int)block);
    const float16 gamma = parameters(&arenas, INTEGER(gamma), block, lanes, 1.0f);
    const float16 beta = parameters(&arenas, INTEGER(beta), block, lanes, 0.0f);
#if RUNNING != 0
    const float16 bias = parameters(&arenas, INTEGER(bias), block, lanes, 0.0f);
#endif
#if RUNNING > 1
    const float16 running_mean = parameters(&arenas, INTEGER(runningMean), block, lanes, 0.0f) - bias;
    const float16 running_spread = parameters(&arenas, INTEGER(runningVariance), block, lanes, 1.0f);
#endif
#if !PREDICTS
    Statistics s = {0.0f, 0.0f, 0.0f};
#endif
#if TRAINS
    float16 mean_of_samples = 0.0f, variance_of_samples = 0.0f;
#endif
    for (long n = 0; n < samples; n++) {
#if PREDICTS
      const float16 m = running_mean;
      const float16 inverse = RUNNING == 2 ? 1.0f / sqrt(running_spread + epsilon) : 1.0f / running_spread;
      const long first = n, last = n;
#else
      if (!BATCH) s = (Statistics){0.0f, 0.0f, 0.0f};
      for (long chunk = 0; chunk < chunks; chunk++) {
        const long at = 2 * ((n * blocks + block) * chunks + chunk);
        combine(&s, vload16(at, partials), vload16(at + 1, partials),
                (float)min(chunk_voxels, voxels - chunk * chunk_voxels));
      }
      if (BATCH && n + 1 < samples) continue;
      const float16 m = s.mean, deviation = sqrt(s.m2 / s.count + epsilon), inverse = 1.0f / deviation;
#if TRAINS
      mean_of_samples += m;
      variance_of_samples += RUNNING == 3 ? deviation : s.m2 / max(s.count - 1.0f, 1.0f);
#endif
      const long first = BATCH ? 0 : n, last = n;
#endif
      const float16 rstd = select((float16)0.0f, inverse, LANE_IDS < lanes);
#if RUNNING == 3  // constants for the gradient; with limits 1 and 0 this is batch norm, bit for bit
      __global const float* scalars = OPERAND(const float, scalars);
      const float16 most = scalars[SCALAR_renormRMax], reach = scalars[SCALAR_renormDMax];
      const float16 r = clamp(deviation / running_spread, 1.0f / most, most);
      const float16 d = clamp((m - running_mean) / running_spread, -reach, reach);
      vstore16(r, block, OPERAND(float, renorm));
      vstore16(d, blocks + block, OPERAND(float, renorm));
      const float16 factor = gamma * rstd * r, offset = beta + gamma * d;
#else
      const float16 factor = gamma * rstd, offset = beta;
#endif
      const float16 shift = select((float16)0.0f, offset - m * factor, LANE_IDS < lanes);
      for (long i = first; i <= last; i++) {
        vstore16(factor, i * blocks + block, scale);
        vstore16(shift, padded + i * blocks + block, scale);
        vstore16(m, i * blocks + block, mean);
        vstore16(rstd, padded + i * blocks + block, mean);
      }
    }
#if TRAINS  // the samples' average where they have statistics of their own
    const float momentum = FLOAT(momentumBits), sets = BATCH ? 1.0f : (float)samples;
    move_running(OPERAND(float, runningMean) + 16 * block, mean_of_samples / sets + bias, momentum, lanes);
    move_running(OPERAND(float, runningVariance) + 16 * block, variance_of_samples / sets, momentum, lanes);
#endif
  }
}
