// What a group norm's backward subtracts: rstd times the means of γ·g′ and γ·g′·x̂ over the group; and the gradients
// of γ and β. A task is a group of channels with all its samples, in order.
#include "segment.cl"
enum {
  WORD_partials, WORD_sums, WORD_gamma, WORD_mean, WORD_gradGamma, WORD_gradBeta, WORD_N, WORD_C, WORD_sets,
  WORD_voxels, WORD_chunkVoxels
};

VOXCL_KERNEL(group_norm_backward_finalise) {
  VOXCL_BEGIN
  __global const float* partials = OPERAND(const float, partials);
  __global const float* gamma = OPERAND(const float, gamma);
  __global const float* mean = OPERAND(const float, mean);
  __global float* sums = OPERAND(float, sums);
  __global float *grad_gamma = OPERAND(float, gradGamma), *grad_beta = OPERAND(float, gradBeta);
  const int channels = (int)INTEGER(C), blocks = (channels + 15) / 16, sets = (int)INTEGER(sets);
  const int width = channels / sets;
  const long samples = INTEGER(N), voxels = INTEGER(voxels), chunk_voxels = INTEGER(chunkVoxels);
  const long chunks = (voxels + chunk_voxels - 1) / chunk_voxels, behind = samples * blocks * 16;
  for (long set = group; set < sets; set += groups) {
    const int first = (int)set * width;
    const int end = first + width == channels ? blocks * 16 : first + width;  // the last one clears the padding
    for (long n = 0; n < samples; n++) {
      float plain = 0.0f, normalised = 0.0f;
      for (int c = first; c < first + width; c++) {
        float g = 0.0f, gx = 0.0f;
        for (long chunk = 0; chunk < chunks; chunk++) {
          __global const float* part = partials + ((n * blocks + c / 16) * chunks + chunk) * 32 + c % 16;
          g += part[0];
          gx += part[16];
        }
        const float weight = INTEGER(gamma) < 0 ? 1.0f : gamma[c];
        plain += weight * g;
        normalised += weight * gx;
        if (INTEGER(gradGamma) >= 0) grad_gamma[c] += gx;
        if (INTEGER(gradBeta) >= 0) grad_beta[c] += g;
      }
      const float share = mean[behind + n * blocks * 16 + first] / ((float)width * (float)voxels);
      for (int c = first; c < end; c++) {
        const long at = n * blocks * 16 + c;
        sums[at] = c < channels ? plain * share : 0.0f;
        sums[behind + at] = c < channels ? normalised * share : 0.0f;
      }
    }
  }
}
