// Step 2 of a bias's gradient: the chunks' sums, in order of sample and chunk, added to the gradient.
#include "segment.cl"
enum { WORD_gradient, WORD_partials, WORD_N, WORD_C, WORD_chunks };

VOXCL_KERNEL(bias_gradient) {
  VOXCL_BEGIN
  __global float* gradient = OPERAND(float, gradient);
  __global const float* partials = OPERAND(const float, partials);
  const int channels = (int)INTEGER(C), blocks = (channels + 15) / 16;
  const long samples = INTEGER(N), chunks = INTEGER(chunks);
  for (long block = group; block < blocks; block += groups) {
    float16 sum = 0.0f;
    for (long n = 0; n < samples; n++)
      for (long chunk = 0; chunk < chunks; chunk++)
        sum += vload16((n * blocks + block) * chunks + chunk, partials);
    float lane[16];
    vstore16(sum, 0, lane);
    const int lanes = lanes_of(channels, (int)block);
    for (int c = 0; c < lanes; c++) gradient[16 * block + c] += lane[c];
  }
}
