// Statistics of a group norm: those of the chunks of all channels of a group, combined by Chan, Golub & LeVeque's
// formula (1983), channel by channel and chunk by chunk; then what norm_finalise writes. A group of channels need
// not begin at a block.
#include "segment.cl"
enum {
  WORD_partials, WORD_gamma, WORD_beta, WORD_scale, WORD_mean, WORD_N, WORD_C, WORD_sets, WORD_voxels,
  WORD_chunkVoxels, WORD_epsilonBits
};

VOXCL_KERNEL(group_norm_finalise) {
  VOXCL_BEGIN
  __global const float* partials = OPERAND(const float, partials);
  __global const float* gamma = OPERAND(const float, gamma);
  __global const float* beta = OPERAND(const float, beta);
  __global float *scale = OPERAND(float, scale), *mean = OPERAND(float, mean);
  const int channels = (int)INTEGER(C), blocks = (channels + 15) / 16, sets = (int)INTEGER(sets);
  const int width = channels / sets;
  const long samples = INTEGER(N), voxels = INTEGER(voxels), chunk_voxels = INTEGER(chunkVoxels);
  const long chunks = (voxels + chunk_voxels - 1) / chunk_voxels, behind = samples * blocks * 16;
  for (long task = group; task < samples * sets; task += groups) {
    const long n = task / sets;
    const int first = (int)(task % sets) * width;
    float count = 0.0f, m = 0.0f, m2 = 0.0f;
    for (int c = first; c < first + width; c++)
      for (long chunk = 0; chunk < chunks; chunk++) {
        __global const float* part = partials + ((n * blocks + c / 16) * chunks + chunk) * 32 + c % 16;
        const float added = (float)min(chunk_voxels, voxels - chunk * chunk_voxels), all = count + added;
        const float delta = part[0] - m;
        m += delta * (added / all);
        m2 += part[16] + delta * delta * (count * added / all);
        count = all;
      }
    const float rstd = 1.0f / sqrt(m2 / count + FLOAT(epsilonBits));
    const int end = first + width == channels ? blocks * 16 : first + width;  // the last one clears the padding
    for (int c = first; c < end; c++) {
      const long at = n * blocks * 16 + c;
      const bool exists = c < channels;
      const float factor = exists ? (INTEGER(gamma) < 0 ? 1.0f : gamma[c]) * rstd : 0.0f;
      scale[at] = factor;
      scale[behind + at] = exists ? (INTEGER(beta) < 0 ? 0.0f : beta[c]) - m * factor : 0.0f;
      mean[at] = exists ? m : 0.0f;
      mean[behind + at] = exists ? rstd : 0.0f;
    }
  }
}
