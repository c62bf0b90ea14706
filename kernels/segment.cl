// How every kernel reads its inputs: included by the others, complete alone.
// A segment is one or two stored tensors with lazy norm, activation, keep-bits and an index map; its macro
// SEGMENTs (see SegmentFlags in Sources/KernelCatalog) is a constant, so the steps not taken fold away; of convolutions
// that is a flavour (stage.cl).
#include "arenas.cl"

// Flags of the inputs of a kernel, as far as it has them.
#ifndef SEGMENT0
#define SEGMENT0 0
#endif
#ifndef SEGMENT1
#define SEGMENT1 0
#endif
#ifndef SEGMENT2
#define SEGMENT2 0
#endif
#ifndef SEGMENT3
#define SEGMENT3 0
#endif
#ifndef SEGMENT4
#define SEGMENT4 0
#endif

#define LANE_IDS ((int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))

// Activations: 0 none, 1 relu, 2 leaky relu, 3 sigmoid, 4 elu (slope is α), 5 silu, 6 gelu, 7 tanh.
static inline float16 activate(float16 v, const int kind, float slope) {
  if (kind == 1) return select(v, (float16)0.0f, v <= 0.0f);
  if (kind == 2) return select(v, v * slope, v <= 0.0f);
  if (kind == 3) return 1.0f / (1.0f + exp(-v));
  if (kind == 4) return select(v, expm1(v) * slope, v <= 0.0f);
  if (kind == 5) return v / (1.0f + exp(-v));
  if (kind == 6) return 0.5f * v * (1.0f + erf(v * 0.70710678f));
  if (kind == 7) return tanh(v);
  return v;
}
// g times the activation's derivative at x; at 0 that of x ≤ 0.
static inline float16 activation_gradient(float16 g, float16 x, const int kind, float slope) {
  if (kind == 1) return select(g, (float16)0.0f, x <= 0.0f);
  if (kind == 2) return select(g, g * slope, x <= 0.0f);
  if (kind == 3 || kind == 5) {
    const float16 y = 1.0f / (1.0f + exp(-x));
    return kind == 3 ? g * y * (1.0f - y) : g * (y + x * y * (1.0f - y));
  }
  if (kind == 4) return select(g, g * slope * exp(x), x <= 0.0f);
  if (kind == 6)
    return g * (0.5f * (1.0f + erf(x * 0.70710678f)) + x * 0.39894228f * exp(-0.5f * x * x));
  if (kind == 7) {
    const float16 y = tanh(x);
    return g * (1.0f - y * y);
  }
  return g;
}

enum {
  SEG_tensor0, SEG_scale0, SEG_keep0, SEG_tensor1, SEG_scale1, SEG_keep1, SEG_channels, SEG_sourceD,
  SEG_sourceH, SEG_sourceW, SEG_cropD, SEG_cropH, SEG_cropW, SEG_factorD, SEG_factorH, SEG_factorW,
  SEG_slope0, SEG_keepScale0, SEG_slope1, SEG_keepScale1, SEGMENT_WORDS
};

#define SEGMENT_MAP(flags) ((flags) & 3)
#define SEGMENT_PLANAR(flags) ((flags) >> 2 & 1)
#define SEGMENT_TWO_TERMS(flags) ((flags) >> 3 & 1)
#define TERM_FLAGS(flags, t) ((flags) >> (4 + 6 * (t)) & 63)
// Only in kernels that several calls share (stage.cl): whether there is a norm, and none, relu or leaky relu behind it,
// is seen when the kernel runs. `flags` lack both; the call's own stand in front of its words.
#define SEGMENT_EASY(flags) ((flags) >> 16 & 1)

// Channels of block `block` that exist: 16 but in the last block.
static inline int lanes_of(int channels, int block) { return min(16, channels - 16 * block); }

// A term of one (sample, channel block), with everything that its voxels share read once.
typedef struct {
  __global const uchar* z;
  __global const ushort* keep;
  float16 scale, shift;
  float slope, kept;
  int lanes, below;  // EASY: bits that stay of what is below zero
  long at, channelVoxels;  // first element of the block; elements between planar channels
} Term;

static inline Term term_of(const Arenas* arenas, __global const long* s, const int flags, const int t,
                           long batch, long n, int block) {
  const int term = TERM_FLAGS(flags, t), channels = (int)s[SEG_channels], blocks = (channels + 15) / 16;
  const long voxels = s[SEG_sourceD] * s[SEG_sourceH] * s[SEG_sourceW], nb = n * blocks + block;
  Term r;
  r.lanes = lanes_of(channels, block);
  r.z = operand_at(arenas, s[t ? SEG_tensor1 : SEG_tensor0]);
  r.at = SEGMENT_PLANAR(flags) ? (n * channels + 16 * block) * voxels : nb * voxels * 16;
  r.channelVoxels = voxels;
  r.scale = r.shift = 0.0f;
  if (term >> 1 & 1) {  // padding lanes have scale = shift = 0
    __global const float* scale = (__global const float*)operand_at(arenas, s[t ? SEG_scale1 : SEG_scale0]);
    r.scale = vload16(nb, scale);
    r.shift = vload16(nb + batch * blocks, scale);
  }
  r.slope = as_float((int)s[t ? SEG_slope1 : SEG_slope0]);
  r.below = -1;
  r.kept = as_float((int)s[t ? SEG_keepScale1 : SEG_keepScale0]);
  r.keep = term >> 2 & 1
      ? (__global const ushort*)operand_at(arenas, s[t ? SEG_keep1 : SEG_keep0]) + nb * voxels : 0;
  return r;
}

// The term at a stored voxel: load, norm, activation, dropout.
ALWAYS_INLINE float16 term_at(const Term* r, const int flags, const int t, long voxel) {
  const int term = TERM_FLAGS(flags, t), is_half = term & 1, kind = term >> 3 & 7;
  float16 v;
  if (SEGMENT_PLANAR(flags)) {
    v = 0.0f;  // few lanes, most times
    for (int c = 0; c < r->lanes; c++)
      v = select(v, (float16)load1(r->z, r->at + c * r->channelVoxels + voxel, is_half), LANE_IDS == c);
  } else {
    v = load16(r->z, r->at + voxel * 16, is_half);
  }
  if (term >> 1 & 1 || SEGMENT_EASY(flags)) v = v * r->scale + r->shift;
  if (SEGMENT_EASY(flags)) v = select(v, as_float16(as_int16(v * r->slope) & r->below), v <= 0.0f);
  v = activate(v, kind, r->slope);
  if (kind == 3) v = select((float16)0.0f, v, LANE_IDS < r->lanes);
  if (term >> 2 & 1)
    v = select((float16)0.0f, v * r->kept, (((int16)(int)r->keep[voxel] >> LANE_IDS) & 1) != 0);
  return v;
}

// A segment of one (sample, channel block): one or two terms.
typedef struct { Term term[2]; long H, W; } Source;
static inline Source source_of(const Arenas* arenas, __global const long* s, const int flags, long batch,
                               long n, int block) {
  Source r;
  r.H = s[SEG_sourceH], r.W = s[SEG_sourceW];
  r.term[0] = term_of(arenas, s, flags, 0, batch, n, block);
  if (SEGMENT_TWO_TERMS(flags)) r.term[1] = term_of(arenas, s, flags, 1, batch, n, block);
  return r;
}
ALWAYS_INLINE float16 source_at(const Source* r, const int flags, long voxel) {
  float16 v = term_at(&r->term[0], flags, 0, voxel);
  if (SEGMENT_TWO_TERMS(flags)) v += term_at(&r->term[1], flags, 1, voxel);
  return v;
}

// The segment's value at a source voxel.
static inline float16 source_value(const Arenas* arenas, __global const long* s, const int flags, long batch,
                                   long n, int block, long d, long h, long w) {
  const Source r = source_of(arenas, s, flags, batch, n, block);
  return source_at(&r, flags, (d * r.H + h) * r.W + w);
}

// Half-pixel linear interpolation along one axis: lower source index, upper one, weight of the upper.
typedef struct { long low, high; float weight; } Interpolation;
static inline Interpolation interpolation(long at, long factor, long extent) {
  Interpolation r;
  const float position = max(0.0f, ((float)at + 0.5f) / (float)factor - 0.5f);
  r.low = (long)position;
  r.high = min(r.low + 1, extent - 1);
  r.weight = position - (float)r.low;
  return r;
}
// Interpolates along D and H at source column w. Corners of weight 0 are not read into the sum (NaN).
ALWAYS_INLINE float16 source_column(const Source* r, const int flags, Interpolation z, Interpolation y,
                                    long w) {
  float16 sum = 0.0f;
  for (int corner = 0; corner < 4; corner++) {
    const float weight = (corner & 2 ? z.weight : 1.0f - z.weight)
        * (corner & 1 ? y.weight : 1.0f - y.weight);
    if (weight != 0.0f)
      sum += weight * source_at(
          r, flags, ((corner & 2 ? z.high : z.low) * r->H + (corner & 1 ? y.high : y.low)) * r->W + w);
  }
  return sum;
}
static inline float16 between(float16 left, float16 right, float weight) {
  return weight == 0.0f ? left : left * (1.0f - weight) + right * weight;
}

// Values of the row (d, h) at columns [w0, w0 + count) to `to`, a voxel every 16 floats; the caller knows (d,
// h) and all columns to lie inside the consumer's input.
static inline void source_row(const Source r, __global const long* s, const int flags, long d, long h, int w0,
                              int count, __global float* to) {
  if (SEGMENT_MAP(flags) == 2) {
    const Interpolation z = interpolation(d, s[SEG_factorD], s[SEG_sourceD]);
    const Interpolation y = interpolation(h, s[SEG_factorH], r.H);
    float16 left = 0.0f, right = 0.0f;
    long low = -2, high = -2;
    for (int i = 0; i < count; i++) {  // a source column is made once and slides from right to left
      const Interpolation x = interpolation(w0 + i, s[SEG_factorW], r.W);
      if (x.low != low) left = x.low == high ? right : source_column(&r, flags, z, y, x.low);
      if (x.high != high) right = x.high == x.low ? left : source_column(&r, flags, z, y, x.high);
      low = x.low, high = x.high;
      put16(between(left, right, x.weight), i, to);
    }
  } else if (SEGMENT_MAP(flags) == 1) {
    const int factor = (int)s[SEG_factorW];
    long voxel = (d / s[SEG_factorD] * r.H + h / s[SEG_factorH]) * r.W + w0 / factor;
    int next = factor - w0 % factor;
    for (int i = 0; i < count; next += factor, voxel++) {  // one load serves all columns before `next`
      const float16 v = source_at(&r, flags, voxel);
      for (; i < min(next, count); i++) put16(v, i, to);
    }
  } else {
    const long row = ((d + s[SEG_cropD]) * r.H + h + s[SEG_cropH]) * r.W + w0 + s[SEG_cropW];
    for (int i = 0; i < count; i++) put16(source_at(&r, flags, row + i), i, to);
  }
}
static inline void segment_row(const Arenas* arenas, __global const long* s, const int flags, long batch,
                               long n, int block, long d, long h, int w0, int count, __global float* to) {
  source_row(source_of(arenas, s, flags, batch, n, block), s, flags, d, h, w0, count, to);
}

// The segment's value at (d, h, w) of the consumer's input, which the caller knows to lie inside it.
static inline float16 segment_value(const Arenas* arenas, __global const long* s, const int flags, long batch,
                                    long n, int block, long d, long h, long w) {
  const Source r = source_of(arenas, s, flags, batch, n, block);
  if (SEGMENT_MAP(flags) == 2) {
    const Interpolation z = interpolation(d, s[SEG_factorD], s[SEG_sourceD]);
    const Interpolation y = interpolation(h, s[SEG_factorH], r.H);
    const Interpolation x = interpolation(w, s[SEG_factorW], r.W);
    return between(source_column(&r, flags, z, y, x.low), source_column(&r, flags, z, y, x.high), x.weight);
  }
  if (SEGMENT_MAP(flags) == 1)
    return source_at(&r, flags, (d / s[SEG_factorD] * r.H + h / s[SEG_factorH]) * r.W + w / s[SEG_factorW]);
  return source_at(&r, flags, ((d + s[SEG_cropD]) * r.H + h + s[SEG_cropH]) * r.W + w + s[SEG_cropW]);
}
