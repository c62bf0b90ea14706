// One step of the optimizer on all parameters, in fp32. Adam: Kingma & Ba (2015); decoupled decay:
// Loshchilov & Hutter (2019). 1 − βᵗ is −expm1(t·ln β), which keeps its digits where βᵗ is close to 1.
#include "segment.cl"
enum { WORD_weights, WORD_gradient, WORD_first, WORD_second, WORD_scalars, WORD_count };
#ifndef KIND
#define KIND 0
#endif

// Of Sources/ExecutionPlan/Scalars.swift.
enum {
  SCALAR_learningRate = 0, SCALAR_beta1 = 3, SCALAR_epsilon = 5, SCALAR_coupledDecay = 6,
  SCALAR_decoupledDecay = 7, SCALAR_logBeta1 = 9, SCALAR_logBeta2 = 10, SCALAR_kerasEpsilon = 19, SCALAR_updates = 34,
  SCALAR_skipped = 35, SCALAR_gradientFactor = 37
};
// Parameters that a group does at a time.
#define RUN 4096

typedef struct {
  float rate, factor, coupled, shrink, momentum, rest1, rest2, correction1, correction2, epsilon;
  int is_first;
} Step;

static inline float16 updated(float16 w, float16 gradient, float16* first, float16* second,
                              const Step* step) {
  w -= w * step->shrink;
  const float16 g = gradient * step->factor + w * step->coupled;
#if KIND == 1
  *first += step->rest1 * (g - *first);
  *second += step->rest2 * (g * g - *second);
  return w - step->rate * (*first / step->correction1) / (sqrt(*second / step->correction2) + step->epsilon);
#else
  *first = step->is_first ? g : *first * step->momentum + g;
  return w - step->rate * (KIND == 0 ? g + *first * step->momentum : *first);
#endif
}

VOXCL_KERNEL(optimizer_step) {
  VOXCL_BEGIN
  __global const float* scalars = OPERAND(const float, scalars);
  if (as_int(scalars[SCALAR_skipped]) != 0) return;
  __global float* weights = OPERAND(float, weights);
  __global const float* gradient = OPERAND(const float, gradient);
  __global float* first = OPERAND(float, first);
#if KIND == 1
  __global float* second = OPERAND(float, second);
#endif
  const int updates = as_int(scalars[SCALAR_updates]);
  Step step;
  step.rate = scalars[SCALAR_learningRate];
  step.factor = scalars[SCALAR_gradientFactor];
  step.coupled = scalars[SCALAR_coupledDecay];
  step.shrink = step.rate * scalars[SCALAR_decoupledDecay];
  step.momentum = scalars[SCALAR_beta1];
  step.is_first = updates <= 1;
  step.rest1 = -expm1(scalars[SCALAR_logBeta1]);
  step.rest2 = -expm1(scalars[SCALAR_logBeta2]);
  step.correction1 = -expm1((float)updates * scalars[SCALAR_logBeta1]);
  step.correction2 = -expm1((float)updates * scalars[SCALAR_logBeta2]);
  // Keras adds its ε to √v, not to √v̂ = √(v/correction2).
  step.epsilon = scalars[SCALAR_epsilon] / (scalars[SCALAR_kerasEpsilon] == 1.0f ? sqrt(step.correction2) : 1.0f);
  const long count = INTEGER(count);
  for (long begin = group * RUN; begin < count; begin += groups * RUN) {
    const long end = min(begin + RUN, count);
    for (long i = begin; i < end; i += 16) {
      const int some = (int)min(16L, end - i);
      float16 w = 0.0f, g = 0.0f, m = 0.0f, v = 0.0f;
      if (some == 16) {
        w = vload16(0, weights + i);
        g = vload16(0, gradient + i);
        m = vload16(0, first + i);
#if KIND == 1
        v = vload16(0, second + i);
#endif
        w = updated(w, g, &m, &v, &step);
        put16(w, 0, weights + i);
        put16(m, 0, first + i);
#if KIND == 1
        put16(v, 0, second + i);
#endif
        continue;
      }
      for (int j = 0; j < some; j++) {  // the last few, one in all lanes
        m = first[i + j];
#if KIND == 1
        v = second[i + j];
#endif
        weights[i + j] = updated(weights[i + j], gradient[i + j], &m, &v, &step).s0;
        first[i + j] = m.s0;
#if KIND == 1
        second[i + j] = v.s0;
#endif
      }
    }
  }
}
