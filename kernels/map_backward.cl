// Adjoint of an index map (crop, nearest, trilinear), as a gather. A group makes one row of the source: it
// walks along the value's columns w, adds up the contributions that g's rows make there, and gives the sum
// to the two source columns that w lies between. Both are held; the left one is stored when w has passed
// it. Per axis, the interpolation is the load's own, so that the weights are the same bits.
#include "segment.cl"
enum {
  WORD_gSource, WORD_g, WORD_N, WORD_C, WORD_sourceD, WORD_sourceH, WORD_sourceW, WORD_D, WORD_H, WORD_W,
  WORD_cropD, WORD_cropH, WORD_cropW, WORD_factorD, WORD_factorH, WORD_factorW
};
#ifndef G_HALF
#define G_HALF 0
#endif
#ifndef OUT_HALF
#define OUT_HALF 0
#endif
#ifndef BLOCK
#define BLOCK 16
#endif
#ifndef MAP
#define MAP 0
#endif
#ifndef ACCUMULATE
#define ACCUMULATE 0
#endif

typedef struct { long source, extent, crop, factor; } Axis;

// Which source indices the value's index reads.
static inline Interpolation reads(const Axis* axis, long at) {
  if (MAP == 2) return interpolation(at, axis->factor, axis->source);
  const long index = MAP == 1 ? at / axis->factor : at + axis->crop;
  return (Interpolation){index, index, 0.0f};
}
static inline float weight_at(const Axis* axis, long at, long source) {
  const Interpolation i = reads(axis, at);
  return (i.low == source ? 1.0f - i.weight : 0.0f) + (i.high == source ? i.weight : 0.0f);
}

// The value's indices that may read source index `source`: [first, end). Trilinear: those within a source
// voxel's distance, and one more on each side for rounding.
typedef struct { long first, end; } Range;
static inline Range readers(const Axis* axis, long source) {
  Range r = {source - axis->crop, source - axis->crop + 1};
  if (MAP == 1) r = (Range){source * axis->factor, (source + 1) * axis->factor};
  if (MAP == 2)
    r = (Range){((2 * source - 1) * axis->factor - 1) / 2 - 1, ((2 * source + 3) * axis->factor) / 2 + 2};
  r.first = max(r.first, 0L);
  r.end = min(r.end, axis->extent);
  return r;
}

// Without those at either end that do not read it after all.
static inline Range trimmed(const Axis* axis, Range range, long source) {
  while (range.first < range.end && weight_at(axis, range.first, source) == 0.0f) range.first++;
  while (range.end > range.first && weight_at(axis, range.end - 1, source) == 0.0f) range.end--;
  return range;
}

// Blocked: a vector holds 16 channels of one column. Planar: it holds one channel of 16 columns.
#if BLOCK == 16
typedef float16 Value;
#define COLUMNS 1
#else
typedef float Value;
#define COLUMNS 16
#endif

static inline void write_value(__global uchar* to, long at, Value v) {
#if BLOCK == 16
  if (ACCUMULATE) v += load16(to, 16 * at, OUT_HALF);
  store16(to, 16 * at, v, OUT_HALF);
#else
  if (ACCUMULATE) v += load1(to, at, OUT_HALF);
  store1(to, at, v, OUT_HALF);
#endif
}

// Weights that are held per axis; a factor above 30 makes the others again.
#define HELD 64
static inline void hold_weights(const Axis* axis, Range range, long source, float* weights) {
  for (long i = 0; i < min(range.end - range.first, (long)HELD); i++)
    weights[i] = weight_at(axis, range.first + i, source);
}
#define WEIGHT(axis, range, source, weights, i) \
  ((i) - range.first < HELD ? weights[(i) - range.first] : weight_at(&axis, i, source))

VOXCL_KERNEL(map_backward) {
  VOXCL_BEGIN
  __global uchar* out = OPERAND(uchar, gSource);
  __global const uchar* g = OPERAND(const uchar, g);
  const int channels = (int)INTEGER(C), blocks = (channels + 15) / 16;
  const Axis z = {INTEGER(sourceD), INTEGER(D), INTEGER(cropD), INTEGER(factorD)};
  const Axis y = {INTEGER(sourceH), INTEGER(H), INTEGER(cropH), INTEGER(factorH)};
  const Axis x = {INTEGER(sourceW), INTEGER(W), INTEGER(cropW), INTEGER(factorW)};
  const long planes = INTEGER(N) * (BLOCK == 16 ? blocks : channels);
  const long rows = planes * z.source * y.source;
  for (long row = group * rows / groups; row < (group + 1) * rows / groups; row++) {  // one behind the other in memory
    const long sh = row % y.source, sd = row / y.source % z.source, plane = row / (y.source * z.source);
    const Range ds = trimmed(&z, readers(&z, sd), sd), hs = trimmed(&y, readers(&y, sh), sh);
    float weights_d[HELD], weights_h[HELD];
    hold_weights(&z, ds, sd, weights_d);
    hold_weights(&y, hs, sh, weights_h);
    const long to = row * x.source;
    long low = 0, next = x.factor;  // MAP 1: the first w that reads the source column behind `low`
    Value left = 0.0f, right = 0.0f;  // of source columns `low` and `low` + 1
    for (long w = 0; w < x.extent; w += COLUMNS) {
      const int columns = (int)min((long)COLUMNS, x.extent - w);
      float16 sum = 0.0f;
      for (long d = ds.first; d < ds.end; d++) {
        const float weight_d = WEIGHT(z, ds, sd, weights_d, d);
        for (long h = hs.first; h < hs.end; h++) {
          const float weight = weight_d * WEIGHT(y, hs, sh, weights_h, h);
          if (weight == 0.0f) continue;
          const long at = ((plane * z.extent + d) * y.extent + h) * x.extent + w;
#if BLOCK == 16
          sum += weight * load16(g, 16 * at, G_HALF);
#else
          if (columns == 16) {
            sum += weight * load16(g, at, G_HALF);
          } else {
            float lane[16];
            for (int i = 0; i < 16; i++) lane[i] = i < columns ? load1(g, at + i, G_HALF) : 0.0f;
            sum += weight * vload16(0, lane);
          }
#endif
        }
      }
      Value column[COLUMNS];
      vstore16(sum, 0, (float*)column);
      for (int i = 0; MAP == 1 && i < columns;) {  // up to the next source column
        const int end = (int)min((long)columns, next - w);
        for (; i < end; i++) left += column[i];
        if (w + i == next) write_value(out, to + low++, left), left = 0.0f, next += x.factor;
      }
      for (int i = 0; MAP != 1 && i < columns; i++) {
        const Interpolation at = reads(&x, w + i);
        for (; low < at.low; low++, left = right, right = 0.0f) write_value(out, to + low, left);
        left += (1.0f - at.weight) * column[i];
        if (at.high > at.low) right += at.weight * column[i];
        else left += at.weight * column[i];
      }
    }
    for (; low < x.source; low++, left = right, right = 0.0f) write_value(out, to + low, left);
  }
}
