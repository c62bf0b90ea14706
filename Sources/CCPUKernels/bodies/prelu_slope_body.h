// The slopes' gradient: the chunks' sums, over all channels where they share one slope.

VOXCL_KERNEL(prelu_slope) {
  const long samples = INTEGER(N), channels = INTEGER(C), blocks = over(channels, 16), chunks = INTEGER(chunks);
  const int shared = (int)DEFINE(SHARED);
  const float *partials = OPERAND(float, partials);
  float *gradient = OPERAND(float, gradient);
  for (long s = group; s < (shared ? 1 : channels); s += groups) {
    double sum = 0;
    for (long n = 0; n < samples; n++)
      for (long c = s; c < (shared ? channels : s + 1); c++)
        for (long chunk = 0; chunk < chunks; chunk++)
          sum += partials[((n * blocks + c / 16) * chunks + chunk) * 16 + c % 16];
    gradient[s] += (float)sum;
  }
}
