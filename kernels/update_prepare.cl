// What the optimizer does with the gradient: the clipping factor, whether to skip the step because a
// gradient is not finite, and the next loss scale. One group; nothing goes back to the host.
#include "segment.cl"
enum { WORD_partials, WORD_scalars, WORD_chunks };
#ifndef DYNAMIC
#define DYNAMIC 0
#endif

// Of Sources/ExecutionPlan/Scalars.swift.
enum {
  SCALAR_clipNorm = 8, SCALAR_scaleGrowth = 14, SCALAR_scaleBackoff = 15, SCALAR_scaleInterval = 16,
  SCALAR_lossScale = 32, SCALAR_goodSteps = 33, SCALAR_updates = 34, SCALAR_skipped = 35,
  SCALAR_gradientNorm = 36, SCALAR_gradientFactor = 37
};
#define HIGHEST_SCALE 16777216.0f

VOXCL_KERNEL(update_prepare) {
  VOXCL_BEGIN
  (void)groups;
  if (group > 0) return;
  __global const float* partials = OPERAND(const float, partials);
  __global float* scalars = OPERAND(float, scalars);
  // Kahan's sum: there may be tens of thousands of chunks.
  float sum = 0.0f, lost = 0.0f, bad = 0.0f;
  for (long i = 0; i < INTEGER(chunks); i++) {
    const float term = partials[2 * i] - lost, next = sum + term;
    lost = (next - sum) - term;
    sum = next;
    bad += partials[2 * i + 1];
  }
  const float norm = sqrt(sum), scale = scalars[SCALAR_lossScale], clip_norm = scalars[SCALAR_clipNorm];
  const int skipped = bad > 0.0f || (as_int(sum) & 0x7f800000) == 0x7f800000;
  const float clip = clip_norm > 0.0f ? min(1.0f, clip_norm / (norm + 1e-6f)) : 1.0f;
  scalars[SCALAR_gradientNorm] = norm;
  scalars[SCALAR_skipped] = as_float(skipped);
  scalars[SCALAR_gradientFactor] = skipped ? 0.0f : clip / scale;
  if (!skipped) scalars[SCALAR_updates] = as_float(as_int(scalars[SCALAR_updates]) + 1);
#if DYNAMIC
  const int good_steps = skipped ? 0 : as_int(scalars[SCALAR_goodSteps]) + 1;
  const int grows = !skipped && good_steps >= as_int(scalars[SCALAR_scaleInterval]);
  if (skipped) scalars[SCALAR_lossScale] = max(1.0f, scale * scalars[SCALAR_scaleBackoff]);
  if (grows) scalars[SCALAR_lossScale] = min(HIGHEST_SCALE, scale * scalars[SCALAR_scaleGrowth]);
  scalars[SCALAR_goodSteps] = as_float(grows ? 0 : good_steps);
#endif
}
