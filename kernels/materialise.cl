// Stores a lazy value: one segment, to channels of a tensor that may hold more. Also converts blocked to
// planar and back, fp32 to fp16 and back.
#include "segment.cl"
enum { WORD_out, WORD_N, WORD_outC, WORD_firstC, WORD_D, WORD_H, WORD_W, WORD_slopeBits, WORDS };
#ifndef OUT_HALF
#define OUT_HALF 0
#endif
#ifndef OUT_BLOCK
#define OUT_BLOCK 16
#endif
#ifndef OUT_ACT
#define OUT_ACT 0
#endif
#define SOURCE_MAP SEGMENT_MAP(SEGMENT0)

// Planar to planar, values or sums of two as they are stored.
#define IS_PLAIN (SEGMENT_PLANAR(SEGMENT0) && SOURCE_MAP == 0 && (SEGMENT0 >> 4 & ~(1 | 1 << 6)) == 0)

// One row of a channel block of the segment. Trilinear: a source column is made once and slides from right
// to left.
typedef struct {
  Source source;
  Interpolation z, y;
  long start, crop, factor, low, high;  // voxel at which the source row starts
  float16 left, right;
} Row;

static inline Row row_of(const Arenas* arenas, __global const long* s, long batch, long n, int block, long d,
                         long h) {
  Row r;
  r.source = source_of(arenas, s, SEGMENT0, batch, n, block);
  r.factor = s[SEG_factorW];
  r.crop = SOURCE_MAP == 0 ? s[SEG_cropW] : 0;
  r.low = r.high = -2;
  r.left = r.right = 0.0f;
  if (SOURCE_MAP == 1) d /= s[SEG_factorD], h /= s[SEG_factorH];
  if (SOURCE_MAP == 0) d += s[SEG_cropD], h += s[SEG_cropH];
  r.start = (d * r.source.H + h) * r.source.W;
  r.z = interpolation(d, SOURCE_MAP == 2 ? s[SEG_factorD] : 1, s[SEG_sourceD]);
  r.y = interpolation(h, SOURCE_MAP == 2 ? s[SEG_factorH] : 1, s[SEG_sourceH]);
  return r;
}

// The value at column w; columns are asked for from left to right.
static inline float16 next_value(Row* r, long w) {
  if (SOURCE_MAP == 0) return source_at(&r->source, SEGMENT0, r->start + w + r->crop);
  if (SOURCE_MAP == 1) {
    const long column = w / r->factor;
    if (column != r->low) r->left = source_at(&r->source, SEGMENT0, r->start + column);
    r->low = column;
    return r->left;
  }
  const Interpolation x = interpolation(w, r->factor, r->source.W);
  if (x.low != r->low)
    r->left = x.low == r->high ? r->right : source_column(&r->source, SEGMENT0, r->z, r->y, x.low);
  if (x.high != r->high)
    r->right = x.high == x.low ? r->left : source_column(&r->source, SEGMENT0, r->z, r->y, x.high);
  r->low = x.low;
  r->high = x.high;
  return between(r->left, r->right, x.weight);
}

// Where IS_PLAIN: channel c of the row, sixteen voxels at once.
static inline void plain_row(const Row* r, int c, __global uchar* out, long to, long width, float slope) {
  const Term *a = &r->source.term[0], *b = &r->source.term[1];
  const int is_sum = SEGMENT_TWO_TERMS(SEGMENT0);
  const int half_a = TERM_FLAGS(SEGMENT0, 0) & 1, half_b = TERM_FLAGS(SEGMENT0, 1) & 1;
  const long from = r->start + r->crop, from_a = a->at + c * a->channelVoxels + from;
  const long from_b = is_sum ? b->at + c * b->channelVoxels + from : 0;
  long w = 0;
  for (; w + 16 <= width; w += 16) {
    float16 v = load16(a->z, from_a + w, half_a);
    if (is_sum) v += load16(b->z, from_b + w, half_b);
    store16(out, to + w, activate(v, OUT_ACT, slope), OUT_HALF);
  }
  for (; w < width; w++) {
    float v = load1(a->z, from_a + w, half_a);
    if (is_sum) v += load1(b->z, from_b + w, half_b);
    store1(out, to + w, activate((float16)v, OUT_ACT, slope).s0, OUT_HALF);
  }
}

VOXCL_KERNEL(materialise) {
  VOXCL_BEGIN
  __global uchar* out = OPERAND(uchar, out);
  __global const long* segment = words + WORDS;
  const int outC = (int)INTEGER(outC), firstC = (int)INTEGER(firstC), channels = (int)segment[SEG_channels];
  const long samples = INTEGER(N), depth = INTEGER(D), height = INTEGER(H), width = INTEGER(W);
  const long voxels = depth * height * width;
  const float slope = FLOAT(slopeBits);
#if OUT_BLOCK == 16
  // An output block takes its lanes from one block of the segment, or from two where firstC is no multiple
  // of 16.
  const int first_block = firstC / 16, shift = firstC % 16, segment_blocks = (channels + 15) / 16;
  const int touched = (firstC + channels + 15) / 16 - first_block, outBlocks = (outC + 15) / 16;
  for (long row = group; row < samples * touched * depth * height; row += groups) {
    const long h = row % height, d = row / height % depth, plane = row / (height * depth);
    const long n = plane / touched;
    const int block = (int)(plane % touched);
    const int16 channel = LANE_IDS + 16 * (first_block + block);
    const int16 is_ours = (channel >= firstC) & (channel < firstC + channels);
    const int16 stays = ~is_ours & (channel < outC);
    const int any_stays = any(stays);
    const bool streams = samples * outC * voxels > STREAM_FROM;
    const int has_lower = shift > 0 && block > 0, has_upper = block < segment_blocks;
    Row lower = row_of(&arenas, segment, samples, n, has_lower ? block - 1 : 0, d, h);
    Row upper = row_of(&arenas, segment, samples, n, has_upper ? block : 0, d, h);
    const long start = ((n * outBlocks + first_block + block) * voxels + (d * height + h) * width) * 16;
    for (long w = 0; w < width; w++) {
      float16 v;
      if (shift == 0) {
        v = next_value(&upper, w);
      } else {
        float lane[32];
        vstore16(has_lower ? next_value(&lower, w) : (float16)0.0f, 0, lane);
        vstore16(has_upper ? next_value(&upper, w) : (float16)0.0f, 1, lane);
        v = vload16(0, lane + 16 - shift);
      }
      v = select((float16)0.0f, activate(v, OUT_ACT, slope), is_ours);
      if (any_stays) v = select(v, load16(out, start + 16 * w, OUT_HALF), stays);
      stream16(out, start + 16 * w, v, OUT_HALF, streams && !any_stays);
    }
  }
#else
  const int segment_blocks = (channels + 15) / 16;
  for (long row = group; row < samples * segment_blocks * depth * height; row += groups) {
    const long h = row % height, d = row / height % depth, plane = row / (height * depth);
    const long n = plane / segment_blocks;
    const int block = (int)(plane % segment_blocks), lanes = lanes_of(channels, block);
    Row source = row_of(&arenas, segment, samples, n, block, d, h);
    const long start = (n * outC + firstC + 16 * block) * voxels + (d * height + h) * width;
    for (int c = 0; IS_PLAIN && c < lanes; c++)
      plain_row(&source, c, out, start + c * voxels, width, slope);
    for (long w = 0; !IS_PLAIN && w < width; w++) {
      float lane[16];
      vstore16(activate(next_value(&source, w), OUT_ACT, slope), 0, lane);
      for (int c = 0; c < lanes; c++) store1(out, start + c * voxels + w, lane[c], OUT_HALF);
    }
  }
#endif
}
