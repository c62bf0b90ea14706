// The slopes' gradient from the chunks' sums, in order of sample and chunk; SHARED 1: over all channels too.
#include "segment.cl"
enum { WORD_gradient, WORD_partials, WORD_N, WORD_C, WORD_chunks };
#ifndef SHARED
#define SHARED 0
#endif

VOXCL_KERNEL(prelu_slope) {
  VOXCL_BEGIN
  __global float* gradient = OPERAND(float, gradient);
  __global const float* partials = OPERAND(const float, partials);
  const long samples = INTEGER(N), channels = INTEGER(C), chunks = INTEGER(chunks), blocks = (channels + 15) / 16;
  const long slopes = SHARED ? 1 : channels;
  for (long s = group; s < slopes; s += groups) {
    float sum = 0.0f;
    for (long c = s; c < (SHARED ? channels : s + 1); c++)
      for (long n = 0; n < samples; n++)
        for (long chunk = 0; chunk < chunks; chunk++)
          sum += partials[((n * blocks + c / 16) * chunks + chunk) * 16 + c % 16];
    gradient[s] += sum;
  }
}
