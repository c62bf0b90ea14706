// Loss, step 3: the gradient at the logits. Sixteen voxels at a time; a class's logits are read for the
// last time before its gradient is written, so that both may share their memory.
#include "segment.cl"
enum {
  WORD_g, WORD_logits, WORD_target, WORD_classWeights, WORD_coefficients, WORD_N, WORD_C, WORD_voxels,
  WORD_ignore
};
#ifndef SIGMOID
#define SIGMOID 0
#endif
#ifndef TARGET
#define TARGET 0
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
  const float entropy = coefficients[2 * samples * classes];
  for (long row = group; row < samples * runs; row += groups) {
    const long n = row / runs, begin = (row % runs) * RUN, end = min(begin + RUN, voxels);
    __global const float* region = coefficients + 2 * n * classes;
    for (long v = begin; v < end; v += 16) {
      const int some = (int)min(16L, end - v);
      const long first = n * classes * voxels + v;
#if TARGET == 0
      const int16 y_class = load_classes(target + n * voxels + v, some);
      const int16 counts = y_class >= 0 && y_class != ignore && y_class < classes;
#define TARGET_OF(c) select((float16)0.0f, (float16)1.0f, y_class == (c))
#else
      const int16 counts = -1;
#define TARGET_OF(c) load_run(target + first + (c) * voxels, some)
#endif
#if SIGMOID == 0
      float16 e[HELD], highest = load_run(logits + first, some), total = 0.0f;
      for (int c = 1; c < classes; c++) highest = max(highest, load_run(logits + first + c * voxels, some));
#define EXPONENTIAL(c) ((c) < HELD ? e[c] : exp(load_run(logits + first + (c) * voxels, some) - highest))
      float16 mixed = 0.0f, weight = 0.0f;  // Σ p·q before p's division by the total; Σ w·y
      for (int c = 0; c < classes; c++) {
        const float16 p = exp(load_run(logits + first + c * voxels, some) - highest), y = TARGET_OF(c);
        if (c < HELD) e[c] = p;
        total += p;
        mixed += p * (region[2 * c] * y + region[2 * c + 1]);
        weight += (weights ? weights[c] : 1.0f) * y;
      }
      const float16 inverse = 1.0f / total;
      mixed *= inverse;
      weight *= entropy;
      for (int c = 0; c < classes; c++) {
        const float16 p = EXPONENTIAL(c) * inverse, y = TARGET_OF(c);
        const float16 q = region[2 * c] * y + region[2 * c + 1];
        const float own = entropy * (weights ? weights[c] : 1.0f);
        const float16 gradient = p * (q - mixed) + (weight * p - own * y);
        store_run(g + first + c * voxels, some, select((float16)0.0f, gradient, counts));
      }
#else
      for (int c = 0; c < classes; c++) {
        const float16 x = load_run(logits + first + c * voxels, some), y = TARGET_OF(c);
        const float16 e = exp(-fabs(x)), smaller = e / (1.0f + e);  // p or 1 − p
        const float16 p = select(smaller, 1.0f - smaller, x > 0.0f);
        const float16 q = region[2 * c] * y + region[2 * c + 1];
        const float16 gradient = smaller * (1.0f - smaller) * q + entropy * (p - y);
        store_run(g + first + c * voxels, some, select((float16)0.0f, gradient, counts));
      }
#endif
    }
  }
}
