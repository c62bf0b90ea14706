// How every kernel reads its operands and its inputs: included by the others, complete alone.
// A segment is one or two stored tensors with lazy norm, activation, keep-bits and an index map; its macro
// SEGMENTs (see SegmentFlags in Sources/KernelCatalog) is a constant, so the steps not taken fold away.

#define VOXCL_KERNEL(name)                                                                          \
  __kernel __attribute__((reqd_work_group_size(1, 1, 1))) void name(                                \
      __global uchar* arena0, __global uchar* arena1, __global uchar* arena2, __global uchar* arena3, \
      __global const long* table, uint at)

// First lines of every kernel body.
#define VOXCL_BEGIN                            \
  __global const long* words = table + at;     \
  const Arenas arenas = {{arena0, arena1, arena2, arena3}}; \
  const long group = (long)get_group_id(0);    \
  const long groups = (long)get_num_groups(0);

typedef struct {
  __global uchar* base[4];
} Arenas;

// An operand's word is slot << 56 | offset; -1 stands for an absent operand.
static inline __global uchar* operand_at(const Arenas* arenas, long word) {
  const int slot = (int)(word >> 56);
  __global uchar* base = slot == 0 ? arenas->base[0] : slot == 1 ? arenas->base[1]
                       : slot == 2 ? arenas->base[2] : arenas->base[3];
  return base + (word & 0x00ffffffffffffffL);
}
#define OPERAND(type, name) ((__global type*)operand_at(&arenas, words[WORD_##name]))
#define INTEGER(name) (words[WORD_##name])
#define FLOAT(name) (as_float((int)words[WORD_##name]))

// Sixteen lanes, stored as fp32 or fp16 (vload_half is core OpenCL C 1.0). `element` counts scalars.
static inline float16 load16(__global const uchar* base, long element, const int half_stored) {
  return half_stored ? vload_half16(0, (__global const half*)base + element)
                     : vload16(0, (__global const float*)base + element);
}
static inline void store16(__global uchar* base, long element, float16 v, const int half_stored) {
  if (half_stored) vstore_half16_rte(v, 0, (__global half*)base + element);
  else vstore16(v, 0, (__global float*)base + element);
}
static inline float load1(__global const uchar* base, long element, const int half_stored) {
  return half_stored ? vload_half(element, (__global const half*)base) : ((__global const float*)base)[element];
}
static inline void store1(__global uchar* base, long element, float v, const int half_stored) {
  if (half_stored) vstore_half_rte(v, element, (__global half*)base);
  else ((__global float*)base)[element] = v;
}

#define LANE_IDS ((int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))

// Activations: 0 none, 1 relu, 2 leaky relu, 3 sigmoid.
static inline float16 activate(float16 v, const int kind, float slope) {
  if (kind == 1) return select(v, (float16)0.0f, v <= 0.0f);
  if (kind == 2) return select(v, v * slope, v <= 0.0f);
  if (kind == 3) return 1.0f / (1.0f + exp(-v));
  return v;
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

// Channels of block `block` that exist: 16 but in the last block.
static inline int lanes_of(int channels, int block) { return min(16, channels - 16 * block); }

// One term at stored voxel `voxel` (of `voxels`): load, norm, activation, dropout.
static inline float16 term_value(const Arenas* arenas, __global const long* s, const int flags, const int t,
                                 long batch, long n, int block, long voxel, long voxels) {
  const int term = TERM_FLAGS(flags, t), is_half = term & 1, channels = (int)s[SEG_channels];
  const int blocks = (channels + 15) / 16, lanes = lanes_of(channels, block);
  __global const uchar* z = operand_at(arenas, s[t ? SEG_tensor1 : SEG_tensor0]);
  float16 v;
  if (SEGMENT_PLANAR(flags)) {
    float lane[16];
    for (int c = 0; c < 16; c++)
      lane[c] = c < lanes ? load1(z, (n * channels + 16 * block + c) * voxels + voxel, is_half) : 0.0f;
    v = vload16(0, lane);
  } else {
    v = load16(z, ((n * blocks + block) * voxels + voxel) * 16, is_half);
  }
  if (term >> 1 & 1) {  // padding lanes have scale = shift = 0
    __global const float* scale = (__global const float*)operand_at(arenas, s[t ? SEG_scale1 : SEG_scale0]);
    const long at = (n * blocks + block) * 16, shift = batch * blocks * 16;
    v = v * vload16(0, scale + at) + vload16(0, scale + shift + at);
  }
  const int kind = term >> 3 & 7;
  v = activate(v, kind, as_float((int)s[t ? SEG_slope1 : SEG_slope0]));
  if (kind == 3) v = select((float16)0.0f, v, LANE_IDS < lanes);
  if (term >> 2 & 1) {
    __global const ushort* keep = (__global const ushort*)operand_at(arenas, s[t ? SEG_keep1 : SEG_keep0]);
    const int bits = keep[(n * blocks + block) * voxels + voxel];
    const float kept = as_float((int)s[t ? SEG_keepScale1 : SEG_keepScale0]);
    v = select((float16)0.0f, v * kept, (((int16)bits >> LANE_IDS) & 1) != 0);
  }
  return v;
}

// The segment's value at a source voxel: one or two terms.
static inline float16 source_value(const Arenas* arenas, __global const long* s, const int flags, long batch,
                                   long n, int block, long d, long h, long w) {
  const long voxels = s[SEG_sourceD] * s[SEG_sourceH] * s[SEG_sourceW];
  const long voxel = (d * s[SEG_sourceH] + h) * s[SEG_sourceW] + w;
  float16 v = term_value(arenas, s, flags, 0, batch, n, block, voxel, voxels);
  if (SEGMENT_TWO_TERMS(flags)) v += term_value(arenas, s, flags, 1, batch, n, block, voxel, voxels);
  return v;
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

// The segment's value at (d, h, w) of the consumer's input, which the caller knows to lie inside it.
static inline float16 segment_value(const Arenas* arenas, __global const long* s, const int flags, long batch,
                                    long n, int block, long d, long h, long w) {
  if (SEGMENT_MAP(flags) == 1)
    return source_value(arenas, s, flags, batch, n, block, d / s[SEG_factorD], h / s[SEG_factorH],
                        w / s[SEG_factorW]);
  if (SEGMENT_MAP(flags) == 2) {
    const Interpolation z = interpolation(d, s[SEG_factorD], s[SEG_sourceD]);
    const Interpolation y = interpolation(h, s[SEG_factorH], s[SEG_sourceH]);
    const Interpolation x = interpolation(w, s[SEG_factorW], s[SEG_sourceW]);
    float16 sum = 0.0f;
    for (int corner = 0; corner < 8; corner++) {
      const float weight = (corner & 4 ? z.weight : 1.0f - z.weight) * (corner & 2 ? y.weight : 1.0f - y.weight)
                         * (corner & 1 ? x.weight : 1.0f - x.weight);
      if (weight != 0.0f)
        sum += weight * source_value(arenas, s, flags, batch, n, block, corner & 4 ? z.high : z.low,
                                     corner & 2 ? y.high : y.low, corner & 1 ? x.high : x.low);
    }
    return sum;
  }
  return source_value(arenas, s, flags, batch, n, block, d + s[SEG_cropD], h + s[SEG_cropH], w + s[SEG_cropW]);
}
