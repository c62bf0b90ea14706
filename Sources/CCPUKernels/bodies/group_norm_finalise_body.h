// Chan's formula over the chunks of a group's channels, in double; then scale, shift, mean and rstd.

VOXCL_KERNEL(group_norm_finalise) {
  const long samples = INTEGER(N), channels = INTEGER(C), blocks = over(channels, 16), padded = 16 * blocks;
  const long sets = INTEGER(sets), width = channels / sets, voxels = INTEGER(voxels);
  const long chunk_voxels = INTEGER(chunkVoxels), chunks = over(voxels, chunk_voxels);
  const float *partials = OPERAND(float, partials), *gamma = OPERAND(float, gamma), *beta = OPERAND(float, beta);
  float *scale = OPERAND(float, scale), *shift = scale + samples * padded;
  float *mean_out = OPERAND(float, mean), *rstd_out = mean_out + samples * padded;
  for (long tile = group; tile < samples * sets; tile += groups) {
    const long n = tile / sets, first = tile % sets * width, last = first + width;
    double count = 0, mean = 0, squares = 0;
    for (long c = first; c < last; c++) {
      for (long chunk = 0; chunk < chunks; chunk++) {
        const float *part = partials + ((n * blocks + c / 16) * chunks + chunk) * 32 + c % 16;
        const double added = (double)least(chunk_voxels, voxels - chunk * chunk_voxels), total = count + added;
        const double delta = part[0] - mean;
        mean += delta * (added / total);
        squares += part[16] + delta * delta * (count * added / total);
        count = total;
      }
    }
    const double rstd = 1 / sqrt(squares / count + FLOAT(epsilonBits));
    for (long c = first; c < last; c++) {
      const double factor = (gamma ? gamma[c] : 1) * rstd;
      scale[n * padded + c] = (float)factor;
      shift[n * padded + c] = (float)((beta ? beta[c] : 0) - mean * factor);
      mean_out[n * padded + c] = (float)mean;
      rstd_out[n * padded + c] = (float)rstd;
    }
    for (long c = channels; last == channels && c < padded; c++)
      scale[n * padded + c] = shift[n * padded + c] = mean_out[n * padded + c] = rstd_out[n * padded + c] = 0;
  }
}
