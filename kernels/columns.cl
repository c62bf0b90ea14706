// Vectors of sixteen columns of a staged plane.
#include "stage.cl"

#ifndef TRANSPOSED
#define TRANSPOSED 0
#endif
#ifndef STRIDE_W
#define STRIDE_W 1
#endif

#define STEP_W (TRANSPOSED ? 1 : STRIDE_W)

// Sixteen values, STEP_W apart.
static inline float16 columns_at(__global const float* x) {
#ifndef VOXCL_NO_SWIZZLES
  if (STEP_W == 2) {
    const float16 a = vload16(0, x), b = vload16(0, x + 15);
    return (float16)(a.even, b.odd);
  }
#endif
  if (STEP_W == 1) return vload16(0, x);
  float lane[16];
  for (int i = 0; i < 16; i++) lane[i] = x[i * STEP_W];
  return vload16(0, lane);
}
