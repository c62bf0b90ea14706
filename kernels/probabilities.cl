// Softmax over the classes, or sigmoid, of planar logits. Sixteen voxels at a time; a class's logits are
// read for the last time before its probabilities are written, so that both may share their memory.
#include "segment.cl"
enum { WORD_out, WORD_logits, WORD_N, WORD_C, WORD_voxels };
#ifndef SIGMOID
#define SIGMOID 0
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

VOXCL_KERNEL(probabilities) {
  VOXCL_BEGIN
  __global float* out = OPERAND(float, out);
  __global const float* logits = OPERAND(const float, logits);
  const int classes = (int)INTEGER(C);
  const long voxels = INTEGER(voxels), runs = (voxels + RUN - 1) / RUN;
  for (long row = group; row < INTEGER(N) * runs; row += groups) {
    const long n = row / runs, begin = (row % runs) * RUN, end = min(begin + RUN, voxels);
    for (long v = begin; v < end; v += 16) {
      const int some = (int)min(16L, end - v);
      const long first = n * classes * voxels + v;
#if SIGMOID == 0
      float16 e[HELD], highest = load_run(logits + first, some), total = 0.0f;
      for (int c = 1; c < classes; c++) highest = max(highest, load_run(logits + first + c * voxels, some));
      for (int c = 0; c < classes; c++) {
        const float16 p = exp(load_run(logits + first + c * voxels, some) - highest);
        if (c < HELD) e[c] = p;
        total += p;
      }
      const float16 inverse = 1.0f / total;
      for (int c = 0; c < classes; c++) {
        const long at = first + c * voxels;
        const float16 p = c < HELD ? e[c] : exp(load_run(logits + at, some) - highest);
        store_run(out + at, some, p * inverse);
      }
#else
      for (int c = 0; c < classes; c++) {
        const long at = first + c * voxels;
        store_run(out + at, some, 1.0f / (1.0f + exp(-load_run(logits + at, some))));
      }
#endif
    }
  }
}
