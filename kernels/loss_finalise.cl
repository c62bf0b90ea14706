// Loss, step 2: the loss from the chunks' sums, and what its gradient needs of them. One group: the work is
// N·C·chunks additions.
#include "segment.cl"
enum {
  WORD_partials, WORD_coefficients, WORD_scalars, WORD_N, WORD_C, WORD_voxels, WORD_chunkVoxels,
  WORD_firstClass, WORD_batch, WORD_first, WORD_regionWeightBits, WORD_entropyWeightBits, WORD_epsilonBits,
  WORD_alphaBits, WORD_betaBits
};
#ifndef KIND
#define KIND 0
#endif

// Of Sources/ExecutionPlan/Scalars.swift.
enum { SCALAR_microBatch = 1, SCALAR_microBatchWeight = 2, SCALAR_lossScale = 32, SCALAR_loss = 38 };

// Σ over the samples [first, end) and all chunks of one entry of the partials.
static inline float sum_of(__global const float* partials, long first, long end, long chunks, int entries,
                           int at) {
  float sum = 0.0f;
  for (long row = first * chunks; row < end * chunks; row++) sum += partials[row * entries + at];
  return sum;
}

VOXCL_KERNEL(loss_finalise) {
  VOXCL_BEGIN
  (void)groups;
  if (group > 0) return;
  __global const float* partials = OPERAND(const float, partials);
  __global float* coefficients = OPERAND(float, coefficients);
  __global float* scalars = OPERAND(float, scalars);
  const long samples = INTEGER(N);
  const int classes = (int)INTEGER(C), entries = 3 * classes + 2;
  const long voxels = INTEGER(voxels), chunk_voxels = INTEGER(chunkVoxels);
  const long chunks = (voxels + chunk_voxels - 1) / chunk_voxels;
  const float share = scalars[SCALAR_microBatchWeight], seed = scalars[SCALAR_lossScale] * share;
  float value = 0.0f;
#if KIND == 0
  for (long i = 0; i < 2 * samples * classes; i++) coefficients[i] = 0.0f;
#else
  const int first_class = (int)INTEGER(firstClass), batch = (int)INTEGER(batch);
  const float epsilon = FLOAT(epsilonBits), region_weight = FLOAT(regionWeightBits);
  const long sets = batch ? 1 : samples;  // sums are taken over a set of samples
  const float mean = 1.0f / (float)(sets * max(classes - first_class, 1));
  float overlap = 0.0f;
  for (long set = 0; set < sets; set++) {
    const long first = batch ? 0 : set, end = batch ? samples : set + 1;
#if KIND == 4  // one ratio for all classes, each weighted by 1/Y²
    float largest = 0.0f, sum_above = epsilon, sum_below = epsilon;
    for (int c = first_class; c < classes; c++) {
      const float present = sum_of(partials, first, end, chunks, entries, 3 * c + 2);
      if (present > 0.0f) largest = max(largest, 1.0f / (present * present));
    }
#define CLASS_WEIGHT(present) ((present) > 0.0f ? 1.0f / ((present) * (present)) : largest)
    for (int c = first_class; c < classes; c++) {
      const float present = sum_of(partials, first, end, chunks, entries, 3 * c + 2);
      sum_above += 2.0f * CLASS_WEIGHT(present) * sum_of(partials, first, end, chunks, entries, 3 * c);
      sum_below += CLASS_WEIGHT(present) * (present + sum_of(partials, first, end, chunks, entries, 3 * c + 1));
    }
    const float share_of_set = 1.0f / (float)sets, whole = sum_below > 0.0f ? sum_above / sum_below : 1.0f;
    overlap += share_of_set * whole;
#endif
    for (int c = 0; c < classes; c++) {
      float a = 0.0f, b = 0.0f;
      if (c >= first_class) {
        const float both = sum_of(partials, first, end, chunks, entries, 3 * c);
        const float predicted = sum_of(partials, first, end, chunks, entries, 3 * c + 1);
        const float present = sum_of(partials, first, end, chunks, entries, 3 * c + 2);
#if KIND == 4
        (void)both, (void)predicted;
        const float w = sum_below > 0.0f ? share_of_set * CLASS_WEIGHT(present) / sum_below : 0.0f;
        a = -2.0f * w;
        b = whole * w;
#else
#if KIND == 1
        const float above = 2.0f * both + epsilon, below = predicted + present + epsilon;
#elif KIND == 2
        const float above = both + epsilon, below = predicted + present - both + epsilon;
#else
        const float alpha = FLOAT(alphaBits), beta = FLOAT(betaBits), above = both + epsilon;
        const float below = both + alpha * (predicted - both) + beta * (present - both) + epsilon;
#endif
        if (below > 0.0f) {
          const float ratio = above / below;
          overlap += mean * ratio;
          // ∂ratio/∂p: Dice 2y/below − ratio/below; Jaccard y/below − ratio·(1 − y)/below;
          // Tversky y/below − ratio·(y + α(1 − y) − βy)/below.
#if KIND == 3
          a = -mean * (1.0f - ratio * (1.0f - alpha - beta)) / below;
          b = mean * ratio * alpha / below;
#else
          a = -mean * (KIND == 1 ? 2.0f : 1.0f + ratio) / below;
          b = mean * ratio / below;
#endif
        } else {
          overlap += mean;  // ε = 0, nothing there and nothing predicted
        }
#endif
      }
      for (long n = first; n < end; n++) {
        coefficients[2 * (n * classes + c)] = region_weight * seed * a;
        coefficients[2 * (n * classes + c) + 1] = region_weight * seed * b;
      }
    }
  }
  (void)mean;
  if (first_class < classes) value += region_weight * (1.0f - overlap);
#endif
  const float entropy_weight = FLOAT(entropyWeightBits);
  const float entropy = sum_of(partials, 0, samples, chunks, entries, 3 * classes);
  const float weight = sum_of(partials, 0, samples, chunks, entries, 3 * classes + 1);
  if (weight > 0.0f) value += entropy_weight * (entropy / weight);
  coefficients[2 * samples * classes] = weight > 0.0f ? seed * (entropy_weight / weight) : 0.0f;
  const float before = INTEGER(first) && as_int(scalars[SCALAR_microBatch]) == 0 ? 0.0f : scalars[SCALAR_loss];
  scalars[SCALAR_loss] = before + share * value;
}
