// Σ of squares of the unscaled gradient and the number of values that are not finite, per chunk.
#include "segment.cl"
#include "lanes.cl"
enum { WORD_gradient, WORD_partials, WORD_scalars, WORD_count, WORD_chunkVoxels };

// Of Sources/ExecutionPlan/Scalars.swift.
enum { SCALAR_lossScale = 32 };

// −1 in the lanes that hold infinity or NaN: all bits of the exponent are set.
static inline int16 not_finite(float16 v) { return (as_int16(v) & 0x7f800000) == 0x7f800000; }

VOXCL_KERNEL(gradient_norm) {
  VOXCL_BEGIN
  __global const float* gradient = OPERAND(const float, gradient);
  __global float* partials = OPERAND(float, partials);
  const float scale = OPERAND(const float, scalars)[SCALAR_lossScale];
  const long count = INTEGER(count), chunk = INTEGER(chunkVoxels), chunks = (count + chunk - 1) / chunk;
  for (long row = group; row < chunks; row += groups) {
    const long begin = row * chunk, end = min(begin + chunk, count);
    float16 even = 0.0f, odd = 0.0f;
    int16 bad = 0;
    long i = begin;
    for (; i + 32 <= end; i += 32) {
      const float16 a = vload16(0, gradient + i), b = vload16(0, gradient + i + 16);
      bad -= not_finite(a) + not_finite(b);
      even += (a / scale) * (a / scale);
      odd += (b / scale) * (b / scale);
    }
    float sum = sum_of_lanes(even + odd), bad_sum = sum_of_lanes(convert_float16(bad));
    for (; i < end; i++) {
      const float v = gradient[i];
      if ((as_int(v) & 0x7f800000) == 0x7f800000) bad_sum += 1.0f;
      sum += (v / scale) * (v / scale);
    }
    partials[2 * row] = sum;
    partials[2 * row + 1] = bad_sum;
  }
}
