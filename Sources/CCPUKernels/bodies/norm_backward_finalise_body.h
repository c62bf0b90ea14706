// Scale times the two means over the norm's reach, and the affine's gradients.

VOXCL_KERNEL(norm_backward_finalise) {
  const long samples = INTEGER(N), channels = INTEGER(C), blocks = over(channels, 16), padded = 16 * blocks;
  const long voxels = INTEGER(voxels), chunks = over(voxels, INTEGER(chunkVoxels));
  const int batch = (int)DEFINE(BATCH);
  const float *partials = OPERAND(float, partials);
  float *sums = OPERAND(float, sums), *grad_gamma = OPERAND(float, gradGamma),
      *grad_beta = OPERAND(float, gradBeta);
  const float *scale = OPERAND(float, scale), *renorm = DEFINE(RENORM) ? OPERAND(float, renorm) : 0;
  const double count = (double)voxels * (double)(batch ? samples : 1);
  for (long c = group; c < padded; c += groups) {
    double total[2] = {0, 0}, sample[2] = {0, 0};
    for (long n = 0; n < samples; n++) {
      sample[0] = sample[1] = 0;
      for (long chunk = 0; chunk < chunks; chunk++) {
        const float *part = partials + ((n * blocks + c / 16) * chunks + chunk) * 32 + c % 16;
        sample[0] += part[0];
        sample[1] += part[16];
      }
      for (int i = 0; i < 2; i++) {
        total[i] += sample[i];
        if (!batch)
          sums[(i * samples + n) * padded + c] =
              c < channels ? (float)(sample[i] / count * scale[n * padded + c]) : 0;
      }
    }
    for (long n = 0; batch && n < samples; n++)
      for (int i = 0; i < 2; i++) sums[(i * samples + n) * padded + c] = c < channels
          ? (float)(total[i] / count * scale[n * padded + c]) : 0;
    if (c >= channels) continue;
    // Of a renorm, γ multiplies r·x̂ + d.
    if (renorm) total[1] = renorm[c] * total[1] + renorm[padded + c] * total[0];
    if (grad_beta) grad_beta[c] += (float)total[0];
    if (grad_gamma) grad_gamma[c] += (float)total[1];
  }
}
