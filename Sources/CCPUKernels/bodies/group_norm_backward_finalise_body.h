// rstd times the means of γ·g′ and γ·g′·x̂ over a group of channels, and the affine's gradients.

VOXCL_KERNEL(group_norm_backward_finalise) {
  const long samples = INTEGER(N), channels = INTEGER(C), blocks = over(channels, 16), padded = 16 * blocks;
  const long sets = INTEGER(sets), width = channels / sets, voxels = INTEGER(voxels);
  const long chunks = over(voxels, INTEGER(chunkVoxels));
  const float *partials = OPERAND(float, partials), *gamma = OPERAND(float, gamma);
  const float *rstd = OPERAND(float, mean) + samples * padded;
  float *sums = OPERAND(float, sums), *grad_gamma = OPERAND(float, gradGamma), *grad_beta = OPERAND(float, gradBeta);
  for (long set = group; set < sets; set += groups) {
    const long first = set * width, last = first + width;
    for (long n = 0; n < samples; n++) {
      double means[2] = {0, 0};
      for (long c = first; c < last; c++) {
        double total[2] = {0, 0};
        for (long chunk = 0; chunk < chunks; chunk++) {
          const float *part = partials + ((n * blocks + c / 16) * chunks + chunk) * 32 + c % 16;
          for (int i = 0; i < 2; i++) total[i] += part[16 * i];
        }
        for (int i = 0; i < 2; i++) means[i] += (gamma ? gamma[c] : 1) * total[i];
        if (grad_beta) grad_beta[c] += (float)total[0];
        if (grad_gamma) grad_gamma[c] += (float)total[1];
      }
      const double share = rstd[n * padded + first] / ((double)width * (double)voxels);
      for (int i = 0; i < 2; i++) {
        float *to = sums + (i * samples + n) * padded;
        for (long c = first; c < last; c++) to[c] = (float)(means[i] * share);
        for (long c = channels; last == channels && c < padded; c++) to[c] = 0;
      }
    }
  }
}
