// Loss, step 3: the gradient at the logits. Sixteen voxels at a time; a class's logits are read for the
// last time before its gradient is written, so that both may share their memory.
#include "segment.cl"
enum {
  WORD_g, WORD_logits, WORD_target, WORD_classWeights, WORD_coefficients, WORD_N, WORD_C, WORD_voxels,
  WORD_ignore, WORD_gammaBits, WORD_clipBits
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

// Classes whose exponentials are held; those of further classes are made again where they are needed.
#define HELD 64
// Voxels that a group does at a time.
#define RUN 1024

static inline float16 load_run(__global const float* from, int count) {
  if (count >= 16) return vload16(0, from);
  float lane[16];
  for (int i = 0; i < 16; i++) lane[i] = i < count ? from[i] : 0.0f;
  return vload16(0, lane);
}
static inline void store_run(__global float* to, int count, float16 v) {
  if (count >= 16) {
    vstore16(v, 0, to);
    return;
  }
  float lane[16];
  vstore16(v, 0, lane);
  for (int i = 0; i < count; i++) to[i] = lane[i];
}
static inline int16 load_classes(__global const int* from, int count) {
  if (count >= 16) return vload16(0, from);
  int lane[16];
  for (int i = 0; i < 16; i++) lane[i] = i < count ? from[i] : -1;
  return vload16(0, lane);
}

// t of the entropy's gradient t − p·Σt, for one class (KernelCatalog.lossGradient). `logarithm` is log p.
static inline float16 own_term(float16 p, float16 logarithm, float16 wy, float clip, float focus) {
  if (ENTROPY == 1) return select((float16)0.0f, -wy, (p > clip) & (p < 1.0f - clip));
  if (ENTROPY == 2) {
    const float16 q = 1.0f - p, lower = pow(q, (float16)(focus - 1.0f));  // −∞ only where q is 0: p·log p is too
    return wy * (select(focus * lower * p * logarithm, (float16)0.0f, (q <= 0.0f) | (int16)(focus == 0.0f ? -1 : 0))
                 - pow(q, (float16)focus));
  }
  return -wy;
}

VOXCL_KERNEL(loss_gradient) {
  VOXCL_BEGIN
  __global float* g = OPERAND(float, g);
  __global const float* logits = OPERAND(const float, logits);
  __global const float* coefficients = OPERAND(const float, coefficients);
#if SIGMOID == 0
  __global const float* weights = INTEGER(classWeights) < 0 ? 0 : OPERAND(const float, classWeights);
#endif
#if TARGET == 0
  __global const int* target = OPERAND(const int, target);
  const int ignore = (int)INTEGER(ignore);
#else
  __global const float* target = OPERAND(const float, target);
#endif
  const int classes = (int)INTEGER(C);
  const long voxels = INTEGER(voxels), samples = INTEGER(N), runs = (voxels + RUN - 1) / RUN;
  const float entropy = coefficients[2 * samples * classes], focus = FLOAT(gammaBits), clip = FLOAT(clipBits);
  (void)focus, (void)clip;
  for (long row = group; row < samples * runs; row += groups) {
    const long n = row / runs, begin = (row % runs) * RUN, end = min(begin + RUN, voxels);
    __global const float* region = coefficients + 2 * n * classes;
    for (long v = begin; v < end; v += 16) {
      const int some = (int)min(16L, end - v);
      const long first = n * classes * voxels + v;
#if TARGET == 0
      const int16 y_class = load_classes(target + n * voxels + v, some);
      const int16 counts = (y_class >= 0) & (y_class != ignore) & (y_class < classes);
#define TARGET_OF(c) select((float16)0.0f, (float16)1.0f, y_class == (c))
#else
      const int16 counts = -1;
#define TARGET_OF(c) load_run(target + first + (c) * voxels, some)
#endif
#if SIGMOID == 0
      float16 e[HELD], highest = load_run(logits + first, some), total = 0.0f;
      for (int c = 1; c < classes; c++) highest = max(highest, load_run(logits + first + c * voxels, some));
#define EXPONENTIAL(c) ((c) < HELD ? e[c] : exp(load_run(logits + first + (c) * voxels, some) - highest))
      for (int c = 0; c < classes; c++) {
        const float16 p = exp(load_run(logits + first + c * voxels, some) - highest);
        if (c < HELD) e[c] = p;
        total += p;
      }
      const float16 inverse = 1.0f / total, logarithm = highest + log(total);
      float16 mixed = 0.0f, terms = 0.0f;  // Σ p·q and Σ t
#if ENTROPY == 3
      float16 again = 0.0f, present = 0.0f;  // Σ exp(p) and Σ w·y
      for (int c = 0; c < classes; c++) {
        again += exp(EXPONENTIAL(c) * inverse);
        present += (weights ? weights[c] : 1.0f) * TARGET_OF(c);
      }
#define TERM_OF(c, p, y)                                                     \
  ((p) * (exp(p) / again * present - (weights ? weights[c] : 1.0f) * (y)))
#else
#define TERM_OF(c, p, y)                                                                            \
  own_term(p, load_run(logits + first + (c) * voxels, some) - logarithm,                            \
           (weights ? weights[c] : 1.0f) * (y), clip, focus)
#endif
      for (int c = 0; c < classes; c++) {
        const float16 p = EXPONENTIAL(c) * inverse, y = TARGET_OF(c);
        mixed += p * (region[2 * c] * y + region[2 * c + 1] * (SQUARED ? 2.0f * p : 1.0f));
        terms += TERM_OF(c, p, y);
      }
      for (int c = 0; c < classes; c++) {
        const float16 p = EXPONENTIAL(c) * inverse, y = TARGET_OF(c);
        const float16 q = region[2 * c] * y + region[2 * c + 1] * (SQUARED ? 2.0f * p : 1.0f);
        const float16 gradient = p * (q - mixed) + entropy * (TERM_OF(c, p, y) - p * terms);
        store_run(g + first + c * voxels, some, select((float16)0.0f, gradient, counts & (y >= 0.0f)));
      }
      (void)logarithm;
#else
      for (int c = 0; c < classes; c++) {
        const float16 x = load_run(logits + first + c * voxels, some), y = TARGET_OF(c);
        const int16 counted = ENTROPY == 4 ? counts : counts & (y >= 0.0f);
        const float16 e = exp(-fabs(x)), smaller = e / (1.0f + e);  // p or 1 − p
        const float16 p = select(smaller, 1.0f - smaller, x > 0.0f);
        const float16 q = region[2 * c] * y + region[2 * c + 1] * (SQUARED ? 2.0f * p : 1.0f);
#if ENTROPY == 2
        const float16 other = select(1.0f - smaller, smaller, x > 0.0f);  // 1 − p
        const float16 is_one = own_term(p, -(max(-x, 0.0f) + log1p(e)), 1.0f, clip, focus);
        const float16 is_none = own_term(other, -(max(x, 0.0f) + log1p(e)), 1.0f, clip, focus);
        const float16 slope = y * is_one * other - (1.0f - y) * is_none * p;
#else
        const float16 slope = ENTROPY == 4 ? y : p - y;
#endif
        const float16 gradient = smaller * (1.0f - smaller) * q + entropy * slope;
        store_run(g + first + c * voxels, some, select((float16)0.0f, gradient, counted));
      }
#endif
    }
  }
}
