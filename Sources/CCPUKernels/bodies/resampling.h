// Where a padded or resized value reads its source along one axis, see KernelCatalog.resample. Index arithmetic is
// fp32 in every precision: it decides which voxel is read. Shared by all instruction sets.
#pragma once

enum { RESAMPLE_constant, RESAMPLE_reflect, RESAMPLE_edge, RESAMPLE_nearest, RESAMPLE_linear, RESAMPLE_aligned };
struct resampled {
  long source, extent, low;
};
typedef __typeof__(1.0f) single;

// Lower index (−1: none), upper index, weight of the upper.
static inline struct interpolation resampled_at(const struct resampled *a, int mode, long at) {
  const long last = a->source - 1, moved = at - a->low;
  long index = moved;
  single position;
  switch (mode) {
  case RESAMPLE_constant: index = moved < 0 || moved > last ? -1 : moved; break;
  case RESAMPLE_reflect: index = moved < 0 ? -moved : moved > last ? 2 * last - moved : moved; break;
  case RESAMPLE_edge: index = least(last, most(0, moved)); break;
  case RESAMPLE_nearest: index = least(last, (long)((single)at * ((single)a->source / (single)a->extent))); break;
  default:
    if (mode == RESAMPLE_linear) position = ((single)a->source / (single)a->extent) * ((single)at + 0.5f) - 0.5f;
    else position = a->extent > 1 ? (single)at * ((single)last / (single)(a->extent - 1)) : 0.0f;
    if (position < 0) position = 0;
    index = least(last, (long)position);
    if (index < last) return (struct interpolation){index, index + 1, position - (single)index};
  }
  return (struct interpolation){index, index, 0};
}
static inline float resampling_weight(const struct resampled *a, int mode, long at, long source) {
  const struct interpolation i = resampled_at(a, mode, at);
  if (i.low < 0) return 0;
  return (i.low == source ? 1 - i.weight : 0) + (i.high == source ? i.weight : 0);
}
// Positions that may read a source index: with padding all that a fold can reach, else those near it.
static inline void resampling_readers(const struct resampled *a, int mode, long source, long *from, long *to) {
  *from = 0, *to = a->extent;
  if (mode == RESAMPLE_constant) *from = source + a->low, *to = least(a->extent, *from + 1);
  if (mode < RESAMPLE_nearest || a->source == 1) return;
  const double ratio = mode == RESAMPLE_aligned ? (double)(a->extent - 1) / (double)(a->source - 1)
                                                : (double)a->extent / (double)a->source;
  *from = most(0, (long)((double)(source - 1) * ratio) - 3);
  *to = least(a->extent, (long)((double)(source + 2) * ratio) + 4);
}
#define RESAMPLED_AXES                                                                                      \
  {{INTEGER(sourceD), INTEGER(D), INTEGER(lowD)}, {INTEGER(sourceH), INTEGER(H), INTEGER(lowH)},            \
   {INTEGER(sourceW), INTEGER(W), INTEGER(lowW)}}
