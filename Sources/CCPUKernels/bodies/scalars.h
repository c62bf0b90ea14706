// Places of the run-time scalars; see Scalar in Sources/ExecutionPlan/Scalars.swift.
#pragma once

enum {
  SCALAR_learningRate = 0, SCALAR_microBatch = 1, SCALAR_microBatchWeight = 2, SCALAR_beta1 = 3,
      SCALAR_beta2 = 4,
  SCALAR_epsilon = 5, SCALAR_coupledDecay = 6, SCALAR_decoupledDecay = 7, SCALAR_clipNorm = 8,
      SCALAR_logBeta1 = 9,
  SCALAR_logBeta2 = 10, SCALAR_seedLow = 11, SCALAR_seedHigh = 12, SCALAR_step = 13, SCALAR_scaleGrowth = 14,
  SCALAR_scaleBackoff = 15, SCALAR_scaleInterval = 16, SCALAR_renormRMax = 17,
      SCALAR_renormDMax = 18, SCALAR_kerasEpsilon = 19, SCALAR_lossScale = 32, SCALAR_goodSteps = 33,
  SCALAR_updates = 34, SCALAR_skipped = 35, SCALAR_gradientNorm = 36, SCALAR_gradientFactor = 37,
      SCALAR_loss = 38
};
static inline int32_t scalar_integer(const float *scalars, int index) {
  int32_t value;
  memcpy(&value, scalars + index, sizeof value);
  return value;
}
static inline void set_scalar_integer(float *scalars, int index, int32_t value) {
  memcpy(scalars + index, &value, sizeof value);
}
