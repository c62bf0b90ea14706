// One step of SGD (Nesterov's or plain momentum) or Adam (Kingma and Ba, ICLR 2015; decoupled decay as in
// Loshchilov and Hutter, ICLR 2019) on the flat arrays.

#include "scalars.h"

#ifndef VOXCL_OPTIMIZER_STEP_BODY_H
#define VOXCL_OPTIMIZER_STEP_BODY_H
enum { KIND_nesterov, KIND_adam, KIND_momentum };
#endif

VOXCL_KERNEL(optimizer_step) {
  const float *scalars = OPERAND(float, scalars);
  if (scalar_integer(scalars, SCALAR_skipped)) return;
  const int kind = (int)DEFINE(KIND);
  const float rate = scalars[SCALAR_learningRate], factor = scalars[SCALAR_gradientFactor];
  const float beta1 = scalars[SCALAR_beta1], beta2 = scalars[SCALAR_beta2];
  const float coupled = scalars[SCALAR_coupledDecay], shrink = rate * scalars[SCALAR_decoupledDecay];
  const double updates = scalar_integer(scalars, SCALAR_updates);
  const float correction1 = (float)-expm1(updates * scalars[SCALAR_logBeta1]);
  const float correction2 = (float)-expm1(updates * scalars[SCALAR_logBeta2]);
  // Keras adds its ε to √v instead of √v̂.
  const float epsilon =
      scalars[SCALAR_epsilon] / (scalars[SCALAR_kerasEpsilon] == 1 ? sqrtf(correction2) : (float)1);
  const int first_update = updates == 1;
  const float *gradient = OPERAND(float, gradient);
  float *weights = OPERAND(float, weights), *first = OPERAND(float, first), *second = OPERAND(float, second);
  const long count = INTEGER(count), run = 1 << 12;
  for (long from = group * run; from < count; from += groups * run) {
    const long to = least(count, from + run);
    for (long i = from; i < to; i++) {
      const float w = weights[i] - shrink * weights[i], g = gradient[i] * factor + coupled * w;
      if (kind == KIND_adam) {
        const float m = beta1 * first[i] + (1 - beta1) * g, v = beta2 * second[i] + (1 - beta2) * g * g;
        first[i] = m;
        second[i] = v;
        weights[i] = w - rate * (m / correction1) / (sqrtf(v / correction2) + epsilon);
      } else {
        const float buffer = first_update ? g : beta1 * first[i] + g;
        first[i] = buffer;
        weights[i] = w - rate * (kind == KIND_nesterov ? g + beta1 * buffer : buffer);
      }
    }
  }
}
