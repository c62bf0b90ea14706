// gradient[c] += the partial sums, sample by sample and chunk by chunk.

VOXCL_KERNEL(bias_gradient) {
  const long channels = INTEGER(C), blocks = over(channels, 16), chunks = INTEGER(chunks);
  const float *partials = OPERAND(float, partials);
  float *gradient = OPERAND(float, gradient);
  for (long c = group; c < channels; c += groups) {
    double sum = 0;
    for (long n = 0; n < INTEGER(N); n++)
      for (long chunk = 0; chunk < chunks; chunk++)
        sum += partials[((n * blocks + c / 16) * chunks + chunk) * 16 + c % 16];
    gradient[c] += (float)sum;
  }
}
