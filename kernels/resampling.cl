// Where a padded or resized value reads its source, along one axis. MODE 0 pad with a constant, 1 reflect, 2 edge;
// 3 nearest, 4 linear with half-pixel centres, 5 linear with aligned corners. In fp32, as PyTorch has it.
#include "voxels.cl"
#ifndef MODE
#define MODE 0
#endif

typedef struct { long source, extent, low; } Resampled;
// No source: low index −1 (MODE 0).
static inline Interpolation taps_at(const Resampled* axis, long at) {
  const long n = axis->source, last = n - 1, moved = at - axis->low;
  if (MODE == 0) return (Interpolation){moved < 0 || moved > last ? -1 : moved, moved, 0.0f};
  if (MODE == 1) {
    const long folded = moved < 0 ? -moved : moved > last ? 2 * last - moved : moved;
    return (Interpolation){folded, folded, 0.0f};
  }
  if (MODE == 2) return (Interpolation){clamp(moved, 0L, last), clamp(moved, 0L, last), 0.0f};
  if (MODE == 3) {
    const long index = min((long)floor((float)at * ((float)n / (float)axis->extent)), last);
    return (Interpolation){index, index, 0.0f};
  }
  float position;
  if (MODE == 4) position = max(0.0f, ((float)n / (float)axis->extent) * ((float)at + 0.5f) - 0.5f);
  else position = axis->extent > 1 ? (float)at * ((float)last / (float)(axis->extent - 1)) : 0.0f;
  Interpolation r;
  r.low = min((long)position, last);
  r.high = min(r.low + 1, last);
  r.weight = r.high > r.low ? position - (float)r.low : 0.0f;
  return r;
}
static inline float weight_at(const Resampled* axis, long at, long source) {
  const Interpolation i = taps_at(axis, at);
  return (i.low == source ? 1.0f - i.weight : 0.0f) + (i.high == source && i.low >= 0 ? i.weight : 0.0f);
}

// Positions [first, end) that may read source index `source`.
typedef struct { long first, end; } Readers;
static inline Readers readers_of(const Resampled* axis, long source) {
  const long n = axis->source, high = axis->extent - axis->low - n;  // voxels of padding behind
  Readers r = {source + axis->low, source + axis->low + 1};
  if (MODE == 1 && (source <= axis->low || source >= n - 1 - high)) r = (Readers){0, axis->extent};
  if (MODE == 2 && source == 0) r.first = 0;
  if (MODE == 2 && source == n - 1) r.end = axis->extent;
  if (MODE >= 3) {
    const float ratio = MODE == 5 ? (float)(axis->extent - 1) / (float)max(n - 1, 1L) : (float)axis->extent / (float)n;
    r = (Readers){(long)floor((float)(source - 1) * ratio) - 2, (long)ceil((float)(source + 2) * ratio) + 2};
    if (n == 1) r = (Readers){0, axis->extent};
  }
  return (Readers){max(r.first, 0L), min(r.end, axis->extent)};
}
