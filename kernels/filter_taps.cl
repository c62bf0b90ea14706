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

// Asks for sixteen filters that will be read soon: they stand too far apart for a processor to foresee. (x86, where the
// compiler calls itself so: PoCL.)
static inline void fetch_filters(__global const float* from, long stride) {
#if defined(__x86_64__)
  for (int l = 0; l < 16; l++) {
    const float* filter = (const float*)(size_t)(from + l * stride);
    __builtin_prefetch(filter), __builtin_prefetch(filter + 16), __builtin_prefetch(filter + FILTER_TAPS - 1);
  }
#endif
}

// Adds lane[tap] to `count` filters `stride` apart, the first at `to`.
static inline void add_to_filters(const float16* lane, __global float* to, long stride, int count) {
#ifdef TRANSPOSES
  if (count == 16) {
    float16 low[16], high[16];
    for (int k = 0; k < 16; k++) low[k] = lane[k], high[k] = lane[FILTER_TAPS - 16 + k];
    transpose16(low);
    transpose16(high);
    for (int l = 0; l < 16; l++) {  // both are read before either is written: they have taps in common
      __global Floats16 *first = (__global Floats16*)(to + l * stride), *last = first;
      last = (__global Floats16*)(to + l * stride + FILTER_TAPS - 16);
      const float16 a = *first + low[l], b = *last + high[l];
      *first = a;
      *last = b;
    }
    return;
  }
#endif
  for (int l = 0; l < count; l++)
    for (int k = 0; k < FILTER_TAPS; k++) to[l * stride + k] += ((const float*)lane)[k * 16 + l];
}
