// Filters of 3×3×3 taps, which lie one behind the other, as vectors of sixteen filters, and back: 16×16 values at a time.
#include "transpose.cl"

#define FILTER_TAPS 27

// Filters `stride` apart, the first at `from`, to lane[tap]; lanes from `count` on are zeros.
static inline void load_filters(__global const float* from, long stride, int count, float16* lane) {
#ifdef TRANSPOSES
  if (count == 16) {
    for (int k0 = 0; k0 <= FILTER_TAPS - 16; k0 += FILTER_TAPS - 16) {
      float16 v[16];
      for (int l = 0; l < 16; l++) v[l] = *(__global const Floats16*)(from + l * stride + k0);
      transpose16(v);
      for (int k = 0; k < 16; k++) lane[k0 + k] = v[k];
    }
    return;
  }
#endif
  for (int l = 0; l < 16; l++)
    for (int k = 0; k < FILTER_TAPS; k++) ((float*)lane)[k * 16 + l] = l < count ? from[l * stride + k] : 0.0f;
}

// Adds lane[tap] to `count` filters `stride` apart, the first at `to`.
static inline void add_to_filters(const float16* lane, __global float* to, long stride, int count) {
#ifdef TRANSPOSES
  if (count == 16) {
    for (int k0 = 0; k0 <= FILTER_TAPS - 16; k0 += FILTER_TAPS - 16) {
      float16 v[16];
      for (int k = 0; k < 16; k++) v[k] = k0 && k0 + k < 16 ? (float16)0.0f : lane[k0 + k];  // each tap once
      transpose16(v);
      for (int l = 0; l < 16; l++) *(__global Floats16*)(to + l * stride + k0) += v[l];
    }
    return;
  }
#endif
  for (int l = 0; l < count; l++)
    for (int k = 0; k < FILTER_TAPS; k++) to[l * stride + k] += ((const float*)lane)[k * 16 + l];
}
