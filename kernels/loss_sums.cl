// Loss, step 1: the sums over a chunk of voxels that Dice, Jaccard and cross-entropy are made of. Sixteen
// voxels at a time; −log p by log-sum-exp, so that a p that rounds to 0 still has a finite logarithm.
#include "segment.cl"
#include "lanes.cl"
enum {
  WORD_logits, WORD_target, WORD_classWeights, WORD_partials, WORD_N, WORD_C, WORD_voxels,
  WORD_chunkVoxels, WORD_ignore, WORD_mean, WORD_gammaBits, WORD_clipBits
};
#ifndef SIGMOID
#define SIGMOID 0
#endif
#ifndef TARGET
#define TARGET 0
#endif
#ifndef ENTROPY
#define ENTROPY 0
#endif
#ifndef SQUARED
#define SQUARED 0
#endif

// Classes whose exponentials and sums are held at once; more classes take more passes over the chunk.
#define HELD 64

static inline float16 load_run(__global const float* from, int count) {
  if (count >= 16) return vload16(0, from);
  float lane[16];
  for (int i = 0; i < 16; i++) lane[i] = i < count ? from[i] : 0.0f;
  return vload16(0, lane);
}
static inline int16 load_classes(__global const int* from, int count) {
  if (count >= 16) return vload16(0, from);
  int lane[16];
  for (int i = 0; i < 16; i++) lane[i] = i < count ? from[i] : -1;
  return vload16(0, lane);
}

VOXCL_KERNEL(loss_sums) {
  VOXCL_BEGIN
  __global const float* logits = OPERAND(const float, logits);
  __global float* partials = OPERAND(float, partials);
#if SIGMOID == 0
  __global const float* weights = INTEGER(classWeights) < 0 ? 0 : OPERAND(const float, classWeights);
#endif
#if TARGET == 0
  __global const int* target = OPERAND(const int, target);
  const int ignore = (int)INTEGER(ignore);
#else
  __global const float* target = OPERAND(const float, target);
#endif
#if SIGMOID == 0
  const int mean = (int)INTEGER(mean);
  const float clip = FLOAT(clipBits);
#endif
  const float focus = FLOAT(gammaBits);
  const int classes = (int)INTEGER(C);
  const long voxels = INTEGER(voxels), chunk_voxels = INTEGER(chunkVoxels);
  const long chunks = (voxels + chunk_voxels - 1) / chunk_voxels;
  for (long row = group; row < INTEGER(N) * chunks; row += groups) {
    const long n = row / chunks, begin = (row % chunks) * chunk_voxels;
    const int count = (int)min(chunk_voxels, voxels - begin);
    const long first = n * classes * voxels + begin;
    __global float* out = partials + row * (3 * classes + 2);
    float16 entropy = 0.0f, weight = 0.0f;
    for (int c0 = 0; c0 < classes; c0 += HELD) {
      const int held = min(HELD, classes - c0);
      float16 both[HELD], predicted[HELD], present[HELD];  // Σ p·y, Σ p, Σ y
      for (int c = 0; c < held; c++) both[c] = predicted[c] = present[c] = 0.0f;
      for (int i = 0; i < count; i += 16) {
        const int some = min(16, count - i);
#if TARGET == 0
        const int16 y_class = load_classes(target + n * voxels + begin + i, some);
        const int16 counts = (y_class >= 0) & (y_class != ignore) & (y_class < classes);
#else
        const int16 counts = LANE_IDS < some;
#endif
#if SIGMOID == 0
        float16 e[HELD], highest = load_run(logits + first + i, some), total = 0.0f;
        for (int c = 1; c < classes; c++)
          highest = max(highest, load_run(logits + first + c * voxels + i, some));
        for (int c = 0; c < classes; c++) {
          const float16 v = exp(load_run(logits + first + c * voxels + i, some) - highest);
          if (c >= c0 && c < c0 + held) e[c - c0] = v;
          total += v;
        }
        const float16 inverse = 1.0f / total, normaliser = highest + log(total);
#if ENTROPY == 3
        float16 again = 0.0f;  // Σ exp(p)
        for (int c = 0; c < classes; c++)
          again += exp(exp(load_run(logits + first + c * voxels + i, some) - highest) * inverse);
        again = log(again);
#endif
#endif
        for (int c = 0; c < held; c++) {
          const long at = first + (c0 + c) * voxels + i;
          const float16 x = load_run(logits + at, some);
#if TARGET == 0
          const float16 y = select((float16)0.0f, (float16)1.0f, counts & (y_class == c0 + c));
#else
          const float16 given = load_run(target + at, some);
          const int16 counted = ENTROPY == 4 ? counts : counts & (given >= 0.0f);
          const float16 y = select((float16)0.0f, given, counted);
#define counts counted
#endif
#if SIGMOID == 0
          const float16 p = e[c] * inverse, w = weights ? weights[c0 + c] : 1.0f;
          float16 term = normaliser - x;  // −log p
#if ENTROPY == 1
          term = -log(clamp(p, clip, 1.0f - clip));
#elif ENTROPY == 2
          term *= pow(1.0f - p, (float16)focus);
#elif ENTROPY == 3
          term = again - p;
#endif
          entropy += select((float16)0.0f, w * y * term, counts & (y != 0.0f));
          weight += mean ? y : w * y;
#else
          const float16 e = exp(-fabs(x)), smaller = e / (1.0f + e);
          const float16 p = select(smaller, 1.0f - smaller, x > 0.0f);
#if ENTROPY == 2
          const float16 one = max(-x, 0.0f) + log1p(e), none = max(x, 0.0f) + log1p(e);  // −log p, −log(1 − p)
          const float16 q = select(1.0f - smaller, smaller, x > 0.0f);
          const float16 term = y * pow(q, (float16)focus) * one + (1.0f - y) * pow(p, (float16)focus) * none;
#else
          const float16 term = ENTROPY == 4 ? x * y : max(x, 0.0f) - x * y + log1p(e);
#endif
          entropy += select((float16)0.0f, term, counts);
          weight += select((float16)0.0f, (float16)1.0f, counts);
#endif
          both[c] += select((float16)0.0f, p * y, counts);
          predicted[c] += select((float16)0.0f, SQUARED ? p * p : p, counts);
          present[c] += SQUARED ? y * y : y;
#undef counts
        }
      }
      for (int c = 0; c < held; c++) {
        out[3 * (c0 + c)] = sum_of_lanes(both[c]);
        out[3 * (c0 + c) + 1] = sum_of_lanes(predicted[c]);
        out[3 * (c0 + c) + 2] = sum_of_lanes(present[c]);
      }
    }
    (void)focus;
#if SIGMOID == 0
    (void)clip;
#endif
    out[3 * classes] = sum_of_lanes(entropy);
    out[3 * classes + 1] = sum_of_lanes(weight);
  }
}
