// Sets floats to 0, always or at the first micro-batch of a step.

#include "scalars.h"

VOXCL_KERNEL(clear) {
  if (DEFINE(ONLY_FIRST) && scalar_integer(OPERAND(float, scalars), SCALAR_microBatch) != 0) return;
  const long count = INTEGER(count), run = 1 << 14;
  float *values = OPERAND(float, values);
  for (long first = group * run; first < count; first += groups * run)
    memset(values + first, 0, (size_t)least(run, count - first) * sizeof(float));
}
