// Decides one update: norm, clipping factor, whether to skip, and the loss scale's next value.

#include "scalars.h"

VOXCL_KERNEL(update_prepare) {
  (void)groups;
  if (group != 0) return;
  const float *partials = OPERAND(float, partials);
  float *scalars = OPERAND(float, scalars);
  double squares = 0, non_finite = 0;
  for (long chunk = 0; chunk < INTEGER(chunks); chunk++) {
    squares += partials[2 * chunk];
    non_finite += partials[2 * chunk + 1];
  }
  const int skipped = non_finite > 0;
  const float norm = (float)sqrt(squares), clip_norm = scalars[SCALAR_clipNorm],
      scale = scalars[SCALAR_lossScale];
  const float clip = clip_norm > 0 ? fminf(1.0f, clip_norm / (norm + 1e-6f)) : 1.0f;
  scalars[SCALAR_gradientNorm] = norm;
  scalars[SCALAR_gradientFactor] = skipped ? 0.0f : clip / scale;
  set_scalar_integer(scalars, SCALAR_skipped, skipped);
  if (!skipped) set_scalar_integer(scalars, SCALAR_updates, scalar_integer(scalars, SCALAR_updates) + 1);
  if (!DEFINE(DYNAMIC)) return;
  int32_t good = skipped ? 0 : scalar_integer(scalars, SCALAR_goodSteps) + 1;
  if (skipped) {
    scalars[SCALAR_lossScale] = fmaxf(1.0f, scale * scalars[SCALAR_scaleBackoff]);
  } else if (good >= scalar_integer(scalars, SCALAR_scaleInterval)) {
    scalars[SCALAR_lossScale] = fminf(0x1p24f, scale * scalars[SCALAR_scaleGrowth]);
    good = 0;
  }
  set_scalar_integer(scalars, SCALAR_goodSteps, good);
}
