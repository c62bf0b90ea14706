// What convolutions share: staging. The part of the input that a tile reads goes to a group's slot, with lazy norms and
// activations applied once, zeros outside the input, as fp32 [block][d][h][w][16] over all segments, or [channel][d][h][w].
// One program serves calls that differ in their segments and in the like (SharedKernels.swift): what differs stands in
// front of a call's words, LATE(0) last; a segment's word is i << 16 | flags, where its flavour is FLAVOURi.
#include "fetch.cl"

#define LATE(i) ((int)words[-1 - (i)])
#ifndef FLAVOURS
#define FLAVOURS 1
#endif
#ifndef FLAVOUR0
#define FLAVOUR0 0
#endif
#ifndef FLAVOUR1
#define FLAVOUR1 0
#endif
#ifndef FLAVOUR2
#define FLAVOUR2 0
#endif
#ifndef FLAVOUR3
#define FLAVOUR3 0
#endif
#ifndef FLAVOUR4
#define FLAVOUR4 0
#endif
// Whether the only segment is planar, and staged as planes.
#ifndef PLANAR_INPUT
#define PLANAR_INPUT 0
#endif
// Where an output is planar: channels of it that are made at once, of sixteen columns each; inputs are staged as planes.
#ifndef LANES
#define LANES 0
#endif
#define PLANES (PLANAR_INPUT || LANES)

// Planar, no index map but a crop, no norm, activation, dropout or second term: values as they are stored.
#define IS_COPY(flags) (SEGMENT_MAP(flags) == 0 && ((flags) & ~(4 | 1 << 4)) == 0)

// Row of a planar segment that is copied, channels to lanes: a voxel every 16 floats.
static inline void copy_row(const Arenas* arenas, __global const long* s, const int flags, long batch, long n,
                            int block, long d, long h, int w0, int count, __global float* to) {
  const Term r = term_of(arenas, s, flags, 0, batch, n, block);
  const long row = ((d + s[SEG_cropD]) * s[SEG_sourceH] + h + s[SEG_cropH]) * s[SEG_sourceW] + w0
      + s[SEG_cropW];
  int done = 0;
#ifdef TRANSPOSES
  for (; done + 16 <= count; done += 16) {
    float16 v[16];
    for (int c = 0; c < 16; c++)
      v[c] = c < r.lanes ? load16(r.z, r.at + c * r.channelVoxels + row + done, TERM_FLAGS(flags, 0) & 1) : (float16)0.0f;
    transpose16(v);
    for (int i = 0; i < 16; i++) put16(v[i], done + i, to);
  }
#endif
  for (int i = done; i < count; i++) put16((float16)0.0f, i, to);
  for (int c = 0; c < r.lanes; c++)
    for (int i = done; i < count; i++)
      to[i * 16 + c] = load1(r.z, r.at + c * r.channelVoxels + row + i, TERM_FLAGS(flags, 0) & 1);
}

// Planar, as it is stored: no norm, activation, dropout or second term; cropped or repeated.
#define IS_PLAIN(flags) (SEGMENT_PLANAR(flags) && SEGMENT_MAP(flags) < 2 && ((flags) & ~(7 | 1 << 4)) == 0)

// Some floats at any float's address.
typedef float2 __attribute__((aligned(4))) Floats2;
typedef float4 __attribute__((aligned(4))) Floats4;
typedef float8 __attribute__((aligned(4))) Floats8;

// As source_row, but lane c goes to `to + c * plane`, a voxel every float. `scratch`: 16 floats a column. `is_stored`:
// blocked fp32 values that nothing is done to.
static inline void row_to_planes(const Source source, __global const long* s, const int flags, bool is_stored, long d,
                                 long h, int w0, int count, __global float* to, int plane, __global float* scratch) {
  const Term r = source.term[0];
  if (IS_PLAIN(flags)) {
    const int factor = SEGMENT_MAP(flags) ? (int)s[SEG_factorW] : 1, is_half = TERM_FLAGS(flags, 0) & 1;
    const long row = SEGMENT_MAP(flags)
        ? (d / s[SEG_factorD] * source.H + h / s[SEG_factorH]) * source.W + w0 / factor
        : ((d + s[SEG_cropD]) * source.H + h + s[SEG_cropH]) * source.W + w0 + s[SEG_cropW];
    for (int c = 0; c < r.lanes; c++) {
      long from = r.at + c * r.channelVoxels + row;
      __global float* line = to + c * plane;
      int i = 0, next = factor - w0 % factor;
      if (factor == 1)
        for (; i + 16 <= count; i += 16, from += 16, next += 16) put16(load16(r.z, from, is_half), 0, line + i);
      for (; i < count; next += factor, from++) {  // one load serves all columns before `next`
        const float v = load1(r.z, from, is_half);
        const int some = min(next, count) - i;
        if (some == 2) *(__global Floats2*)(line + i) = v;
        else if (some == 4) *(__global Floats4*)(line + i) = v;
        else if (some == 8) *(__global Floats8*)(line + i) = v;
        else
          for (int k = 0; k < some; k++) line[i + k] = v;
        i += some;
      }
    }
    return;
  }
  int i = 0;
#ifdef TRANSPOSES
  const long row = ((d + s[SEG_cropD]) * source.H + h + s[SEG_cropH]) * source.W + w0 + s[SEG_cropW];
  if (!is_stored) source_row(source, s, flags, d, h, w0, count, scratch);
  for (; i + 16 <= count; i += 16) {
    float16 v[16];
    #pragma unroll
    for (int k = 0; k < 16; k++)
      v[k] = is_stored ? load16(r.z, r.at + (row + i + k) * 16, 0) : vload16(i + k, scratch);
    transpose16(v);
    for (int c = 0; c < r.lanes; c++) put16(v[c], 0, to + c * plane + i);
  }
  if (i == count) return;
  if (is_stored) source_row(source, s, flags, d, h, w0 + i, count - i, scratch + 16 * i);
#else
  source_row(source, s, flags, d, h, w0, count, scratch);
#endif
  for (int c = 0; c < r.lanes; c++)
    for (int k = i; k < count; k++) to[c * plane + k] = scratch[k * 16 + c];
}

// What an EASY flavour leaves to be seen now: `flags` are the call's.
static inline void settle_term(const Arenas* arenas, __global const long* s, int flags, const int t, long batch, long nb,
                               Term* r) {
  const long scale = s[t ? SEG_scale1 : SEG_scale0];
  const int kind = TERM_FLAGS(flags, t) >> 3;
  r->scale = 1.0f;
  if (scale >= 0) {
    __global const float* table = (__global const float*)operand_at(arenas, scale);
    r->scale = vload16(nb, table);
    r->shift = vload16(nb + batch * ((s[SEG_channels] + 15) / 16), table);
  }
  if (kind == 0) r->slope = 1.0f;
  if (kind == 1) r->below = 0;
}

// Stages block `block` of a segment in the region. `planar` 1: its channels as planes of `plane` floats, with `scratch`
// for a row of the region, 16 floats a voxel. `flavour` is what the program knows of the segment's `flags`.
ALWAYS_INLINE void stage_flavour(const Arenas* arenas, __global const long* s, const int flavour, int flags,
                                 const int planar, long batch, long n, int block, int inD, int inH, int inW, Region r,
                                 int plane, __global float* scratch, __global float* x) {
  const int voxel = planar ? 1 : 16, planes = planar ? lanes_of((int)s[SEG_channels], block) : 1;
  const int low = clamp(-r.w, 0, r.width), high = clamp(inW - r.w, low, r.width);
  Source source = source_of(arenas, s, flavour, batch, n, block);
  if (SEGMENT_EASY(flavour)) {
    const long nb = n * ((s[SEG_channels] + 15) / 16) + block;
    settle_term(arenas, s, flags, 0, batch, nb, &source.term[0]);
    if (SEGMENT_TWO_TERMS(flavour)) settle_term(arenas, s, flags, 1, batch, nb, &source.term[1]);
  }
  const bool isStored = flavour == (1 << 16) && s[SEG_scale0] < 0 && TERM_FLAGS(flags, 0) >> 3 == 0;
  for (int slice = 0; slice < r.depth; slice++)
    for (int line = 0; line < r.height; line++) {
      const int d = r.d + slice * r.step, h = r.h + line * r.step;
      __global float* row = x + (slice * r.height + line) * r.width * voxel;
      const bool inside = d >= 0 && d < inD && h >= 0 && h < inH;
      const int from = inside ? low : r.width, to = inside ? high : r.width;
      for (int c = 0; c < planes; c++) {
        for (int i = 0; i < from * voxel; i++) row[c * plane + i] = 0.0f;
        for (int i = to * voxel; i < r.width * voxel; i++) row[c * plane + i] = 0.0f;
      }
      if (from == to) continue;
      const bool isLast = line + 1 == r.height;
      const int nextD = isLast ? d + r.step : d, nextH = isLast ? (r.h < 0 ? r.h + r.step : r.h) : h + r.step;
      if (nextD < min(inD, r.d + r.depth * r.step) && nextH < inH)
        fetch_row(arenas, s, flavour, n, block, nextD, nextH, r.w + from, to - from, 1);
      if (planar)
        row_to_planes(source, s, flavour, isStored, d, h, r.w + from, to - from, row + from, plane, scratch);
      else if (SEGMENT_PLANAR(flavour) && IS_COPY(flavour))
        copy_row(arenas, s, flavour, batch, n, block, d, h, r.w + from, to - from, row + from * 16);
      else if (isStored) {
        const long at = ((d + s[SEG_cropD]) * source.H + h + s[SEG_cropH]) * source.W + r.w + from + s[SEG_cropW];
        for (int i = 0; i < to - from; i++)
          put16(load16(source.term[0].z, source.term[0].at + (at + i) * 16, 0), from + i, row);
      } else
        source_row(source, s, flavour, d, h, r.w + from, to - from, row + from * 16);
    }
}

// Floats from a staged plane to the next: an odd number of vectors, so that planes do not meet in the same cache lines.
static inline int plane_of(int voxels) { return ((voxels + 15) / 16 | 1) * 16; }

// Whether a program has flavour i for segments that are staged so.
#define HAS_FLAVOUR(i, planar) (FLAVOURS > i && (!(planar) || LANES || SEGMENT_PLANAR(FLAVOUR##i)))
static inline void stage_block(const Arenas* arenas, __global const long* s, int flags, const int planar, long batch,
                               long n, int block, int inD, int inH, int inW, Region r, int plane,
                               __global float* scratch, __global float* x) {
#define STAGE_FLAVOUR(i)                                                                                                \
  if (HAS_FLAVOUR(i, planar) && flags >> 16 == i)                                                                       \
    return stage_flavour(arenas, s, FLAVOUR##i, flags, planar, batch, n, block, inD, inH, inW, r, plane, scratch, \
                         x);
  STAGE_FLAVOUR(0) STAGE_FLAVOUR(1) STAGE_FLAVOUR(2) STAGE_FLAVOUR(3) STAGE_FLAVOUR(4)
}

// First voxel of a block of a segment where its values can be read as they are stored: fp32 in blocks, and nothing is done
// to them. Null: they have to be staged.
static inline __global const float* in_place(const Arenas* arenas, __global const long* s, int flags, long n, int block) {
  if (flags & 0xffff) return 0;
  const long blocks = (s[SEG_channels] + 15) / 16, plane = (n * blocks + block) * s[SEG_sourceD] + s[SEG_cropD];
  return (__global const float*)operand_at(arenas, s[SEG_tensor0])
       + ((plane * s[SEG_sourceH] + s[SEG_cropH]) * s[SEG_sourceW] + s[SEG_cropW]) * 16;
}

// Stages all of a segment in the region and returns the end.
static inline __global float* stage(const Arenas* arenas, __global const long* s, int flags, const int planar, long batch,
                                    long n, int inD, int inH, int inW, Region r, __global float* scratch,
                                    __global float* x) {
  const int channels = (int)s[SEG_channels], voxels = r.depth * r.height * r.width;
  const int plane = planar ? plane_of(voxels) : voxels;
  for (int b = 0; b < (channels + 15) / 16; b++) {
    stage_block(arenas, s, flags, planar, batch, n, b, inD, inH, inW, r, plane, scratch, x);
    x += (long)plane * (planar ? lanes_of(channels, b) : 16);
  }
  return x;
}

// Σ of so many staged vectors. Four sums hide the latency of the addition.
static inline float16 sum_of_staged(__global const float* x, int vectors) {
  float16 s0 = 0.0f, s1 = 0.0f, s2 = 0.0f, s3 = 0.0f;
  int i = 0;
  for (; i + 4 <= vectors; i += 4) {
    s0 += vload16(i, x);
    s1 += vload16(i + 1, x);
    s2 += vload16(i + 2, x);
    s3 += vload16(i + 3, x);
  }
  for (; i < vectors; i++) s0 += vload16(i, x);
  return (s0 + s1) + (s2 + s3);
}

// Channels of block `block`, counted over `segments` segments, that exist: the others need no work.
static inline int block_channels(__global const long* s, const int segments, int block) {
  for (int i = 0; i < segments; i++, s += SEGMENT_WORDS) {
    const int channels = (int)s[SEG_channels], blocks = (channels + 15) / 16;
    if (block < blocks) return lanes_of(channels, block);
    block -= blocks;
  }
  return 0;
}
