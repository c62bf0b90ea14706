// Sets floats to zero.
#include "segment.cl"
enum { WORD_values, WORD_scalars, WORD_count };
#ifndef ONLY_FIRST
#define ONLY_FIRST 0
#endif

// Of Sources/ExecutionPlan/Scalars.swift.
enum { SCALAR_microBatch = 1 };
// Floats that a group does at a time.
#define RUN 16384

VOXCL_KERNEL(clear) {
  VOXCL_BEGIN
#if ONLY_FIRST
  if (as_int(OPERAND(const float, scalars)[SCALAR_microBatch]) != 0) return;
#endif
  __global float* values = OPERAND(float, values);
  const long count = INTEGER(count);
  for (long begin = group * RUN; begin < count; begin += groups * RUN) {
    const long end = min(begin + RUN, count);
    long i = begin;
    for (; i + 16 <= end; i += 16) put16((float16)0.0f, 0, values + i);
    for (; i < end; i++) values[i] = 0.0f;
  }
}
