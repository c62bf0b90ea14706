// The roof over every kernel's speed: multiply-adds in registers, or (STREAM 1) floats read and written.
#include "segment.cl"
enum { WORD_values, WORD_count, WORD_repeats };
#ifndef STREAM
#define STREAM 0
#endif
// Floats that a group streams at a time.
#define RUN 16384

VOXCL_KERNEL(device_limit) {
  VOXCL_BEGIN
  __global float* values = OPERAND(float, values);
  const long count = INTEGER(count);
#if STREAM
  for (long begin = group * RUN; begin < count; begin += groups * RUN) {
    const long end = min(begin + RUN, count);
    long i = begin;
    for (; i + 16 <= end; i += 16) put16(vload16(0, values + i) * 0.5f, 0, values + i);
    for (; i < end; i++) values[i] *= 0.5f;
  }
#else
  const long repeats = INTEGER(repeats);
  for (long row = group; row < count; row += groups) {
    // Eight chains hide the latency of two units; the factor is read, so no compiler knows where they end.
    const float16 f = vload16(row, values);
    float16 a = 0.0f, b = 1.0f, c = 2.0f, d = 3.0f, e = 4.0f, g = 5.0f, h = 6.0f, k = 7.0f;
    for (long i = 0; i < repeats; i++) {
      a = fma(a, f, f), b = fma(b, f, f), c = fma(c, f, f), d = fma(d, f, f);
      e = fma(e, f, f), g = fma(g, f, f), h = fma(h, f, f), k = fma(k, f, f);
    }
    put16(((a + b) + (c + d)) + ((e + g) + (h + k)), row, values);
  }
#endif
}
