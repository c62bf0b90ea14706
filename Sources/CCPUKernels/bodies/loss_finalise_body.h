// Loss, step 2: the value, and the coefficients of its gradient with respect to the probabilities.

#include "scalars.h"

#ifndef VOXCL_LOSS_FINALISE_BODY_H
#define VOXCL_LOSS_FINALISE_BODY_H
enum { KIND_none, KIND_dice, KIND_jaccard };
struct overlap {
  double ratio, a, b;  // ∂ratio/∂p = a·y + b
};
// I = Σ p·y, P = Σ p, Y = Σ y. A class that is neither there nor predicted
// (an empty denominator, ε = 0) is a perfect overlap without a gradient.
static inline struct overlap overlap_of(int kind, double I, double P, double Y, double epsilon) {
  if (kind == KIND_dice) {
    const double denominator = P + Y + epsilon, ratio = (2 * I + epsilon) / denominator;
    if (denominator == 0) return (struct overlap){1, 0, 0};
    return (struct overlap){ratio, 2 / denominator, -ratio / denominator};
  }
  const double denominator = P + Y - I + epsilon, ratio = (I + epsilon) / denominator;
  if (denominator == 0) return (struct overlap){1, 0, 0};
  return (struct overlap){ratio, (1 + ratio) / denominator, -ratio / denominator};
}
#endif

VOXCL_KERNEL(loss_finalise) {
  (void)groups;
  if (group != 0) return;
  const int kind = (int)DEFINE(KIND);
  const long samples = INTEGER(N), C = INTEGER(C), chunks = over(INTEGER(voxels), INTEGER(chunkVoxels));
  const long stride = 3 * C + 2, classes = C - INTEGER(firstClass);
  const int batch = INTEGER(batch) != 0;
  const float *partials = OPERAND(float, partials);
  float *coefficients = OPERAND(float, coefficients), *scalars = OPERAND(float, scalars);
  const double region_weight = FLOAT(regionWeightBits), entropy_weight = FLOAT(entropyWeightBits);
  const double share = scalars[SCALAR_microBatchWeight], factor = (double)scalars[SCALAR_lossScale] * share;
  const double terms = (double)most(1, classes * (batch ? 1 : samples));
  double ratios = 0;
  for (long c = 0; c < C; c++) {
    double sums[3] = {0, 0, 0};
    for (long n = 0; n < samples; n++) {
      for (int i = 0; i < 3; i++) {
        if (!batch) sums[i] = 0;
        for (long chunk = 0; chunk < chunks; chunk++) sums[i] += partials[(n * chunks + chunk) * stride
            + 3 * c + i];
      }
      if (batch && n < samples - 1) continue;
      struct overlap o = {0, 0, 0};
      if (kind != KIND_none && c >= INTEGER(firstClass))
        o = overlap_of(kind, sums[0], sums[1], sums[2], FLOAT(epsilonBits));
      ratios += o.ratio;
      for (long to = batch ? 0 : n; to <= n; to++) {
        coefficients[(to * C + c) * 2] = (float)(-region_weight * o.a / terms * factor);
        coefficients[(to * C + c) * 2 + 1] = (float)(-region_weight * o.b / terms * factor);
      }
    }
  }
  double entropy = 0, weight = 0;
  for (long chunk = 0; chunk < samples * chunks; chunk++) {
    entropy += partials[chunk * stride + 3 * C];
    weight += partials[chunk * stride + 3 * C + 1];
  }
  coefficients[2 * samples * C] = weight > 0 ? (float)(entropy_weight / weight * factor) : 0;
  double value = weight > 0 ? entropy_weight * entropy / weight : 0;
  if (kind != KIND_none && classes > 0) value += region_weight * (1 - ratios / terms);
  const float before = scalar_integer(scalars, SCALAR_microBatch) == 0 ? 0 : scalars[SCALAR_loss];
  scalars[SCALAR_loss] = before + (float)(value * share);
}
