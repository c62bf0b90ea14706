// Loss, step 2: the value, and the coefficients of its gradient with respect to the probabilities.

#include "scalars.h"

#ifndef VOXCL_LOSS_FINALISE_BODY_H
#define VOXCL_LOSS_FINALISE_BODY_H
enum { KIND_none, KIND_dice, KIND_jaccard, KIND_tversky, KIND_generalised };
struct overlap {
  double ratio, a, b;  // ∂ratio/∂p = a·y + b
};
// I = Σ p·y, P = Σ p, Y = Σ y. A class that is neither there nor predicted
// (an empty denominator, ε = 0) is a perfect overlap without a gradient.
static inline struct overlap overlap_of(int kind, double I, double P, double Y, double epsilon, double alpha,
                                        double beta) {
  if (kind == KIND_dice) {
    const double denominator = P + Y + epsilon, ratio = (2 * I + epsilon) / denominator;
    if (denominator == 0) return (struct overlap){1, 0, 0};
    return (struct overlap){ratio, 2 / denominator, -ratio / denominator};
  }
  if (kind == KIND_tversky) {
    const double denominator = I + alpha * (P - I) + beta * (Y - I) + epsilon, ratio = (I + epsilon) / denominator;
    if (denominator <= 0) return (struct overlap){1, 0, 0};
    return (struct overlap){ratio, (1 - ratio * (1 - alpha - beta)) / denominator, -ratio * alpha / denominator};
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
  const double terms = (double)most(1, (kind == KIND_generalised ? 1 : classes) * (batch ? 1 : samples));
  const double alpha = FLOAT(alphaBits), beta = FLOAT(betaBits), epsilon = FLOAT(epsilonBits);
  double ratios = 0;
  // Generalised Dice: one ratio over all classes of a set of samples, class c weighted by 1/Y², of absent ones the
  // largest weight of the others.
  for (long set = 0; kind == KIND_generalised && set < (batch ? 1 : samples); set++) {
    const long from = batch ? 0 : set, to = batch ? samples : set + 1;
    double above = epsilon, below = epsilon, largest = 0, ratio = 1;
    for (int pass = 0; pass < 3; pass++) {
      if (pass == 2) ratio = below > 0 ? above / below : 1;
      for (long c = 0; c < C; c++) {
        double sums[3] = {0, 0, 0};
        for (long row = from * chunks; row < to * chunks; row++)
          for (int i = 0; i < 3; i++) sums[i] += partials[row * stride + 3 * c + i];
        const int counts = c >= INTEGER(firstClass);
        const double weight = !counts ? 0 : sums[2] > 0 ? 1 / (sums[2] * sums[2]) : largest;
        if (pass == 0 && sums[2] > 0) largest = fmax(largest, weight);
        if (pass == 1) above += 2 * weight * sums[0], below += weight * (sums[1] + sums[2]);
        for (long n = from; pass == 2 && n < to; n++) {
          const double share_of = below > 0 ? -region_weight * weight / below / terms * factor : 0;
          coefficients[(n * C + c) * 2] = (float)(2 * share_of);
          coefficients[(n * C + c) * 2 + 1] = (float)(-ratio * share_of);
        }
      }
    }
    ratios += ratio;
  }
  for (long c = 0; kind != KIND_generalised && c < C; c++) {
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
        o = overlap_of(kind, sums[0], sums[1], sums[2], epsilon, alpha, beta);
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
  const float before = INTEGER(first) && scalar_integer(scalars, SCALAR_microBatch) == 0 ? 0 : scalars[SCALAR_loss];
  scalars[SCALAR_loss] = before + (float)(value * share);
}
