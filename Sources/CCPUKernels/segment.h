// How kernels read their inputs: rows of a segment's value (see KernelCatalog), for VOXCL_ISA.

#ifndef VOXCL_SEGMENT_H
#define VOXCL_SEGMENT_H
enum {
  SEG_tensor0, SEG_scale0, SEG_keep0, SEG_tensor1, SEG_scale1, SEG_keep1, SEG_channels, SEG_sourceD,
  SEG_sourceH, SEG_sourceW, SEG_cropD, SEG_cropH, SEG_cropW, SEG_factorD, SEG_factorH, SEG_factorW,
  SEG_slope0, SEG_keepScale0, SEG_slope1, SEG_keepScale1, SEGMENT_WORDS
};
enum { MAP_crop, MAP_nearest, MAP_trilinear };
enum { MAX_SEGMENTS = 5 };

struct segment {
  const struct voxcl_call *call;
  const int64_t *words;
  int map, planar, terms, flags;
  long batch, channels, blocks, depth, height, width;  // of the stored source
};

static inline struct segment segment_of(const struct voxcl_call *call, const int64_t *words, int64_t flags,
                                        long batch) {
  return (struct segment){
      .call = call, .words = words, .map = flags & 3, .planar = flags >> 2 & 1, .terms = 1 + (flags >> 3 & 1),
      .flags = (int)flags, .batch = batch, .channels = words[SEG_channels],
      .blocks = over(words[SEG_channels], 16), .depth = words[SEG_sourceD], .height = words[SEG_sourceH],
      .width = words[SEG_sourceW]};
}

// Half-pixel linear interpolation along one axis: lower source index, upper one, weight of the upper.
struct interpolation { long low, high; float weight; };
static inline struct interpolation interpolation_at(long at, long factor, long extent) {
  const float position = fmaxf(0.0f, ((float)at + 0.5f) / (float)factor - 0.5f);
  const long low = (long)position;
  return (struct interpolation){low, least(low + 1, extent - 1), position - (float)low};
}

#define SEGMENT(index, first_word, first_define, batch) \
  segment_of(call, call->words + (first_word) + SEGMENT_WORDS * (index), \
             call->defines[(first_define) + (index)], batch)
#define term_row VOXCL_NAME(term_row)
#define source_row VOXCL_NAME(source_row)
#define segment_row VOXCL_NAME(segment_row)
#define trilinear_row VOXCL_NAME(trilinear_row)
#endif

// One term at `count` stored voxels: load, norm, activation, dropout; written, or added where t is 1.
HELPER void term_row(const struct segment *s, int t, long n, long block, long voxel, long count, v16 *out) {
  const int flags = s->flags >> (4 + 6 * t) & 63, half = flags & 1, norm = flags >> 1 & 1,
      keep = flags >> 2 & 1;
  const int activation = flags >> 3;
  const int64_t *words = s->words;
  const long voxels = s->depth * s->height * s->width;
  const float slope = float_of_bits(words[t ? SEG_slope1 : SEG_slope0]);
  const float kept = float_of_bits(words[t ? SEG_keepScale1 : SEG_keepScale0]);
  const uint8_t *z = operand_at(s->call, words[t ? SEG_tensor1 : SEG_tensor0]);
  const v16i mask = lanes_below(s->channels - 16 * block);
  const uint16_t *bits = 0;
  if (keep)
    bits = (const uint16_t *)operand_at(s->call, words[t ? SEG_keep1 : SEG_keep0])
           + (n * s->blocks + block) * voxels + voxel;
  v16 scale = splat16(1), shift = splat16(0);
  if (norm) {
    const float *table = (const float *)operand_at(s->call, words[t ? SEG_scale1 : SEG_scale0]);
    scale = load16(table, (n * s->blocks + block) * 16, 0);
    shift = load16(table, ((s->batch + n) * s->blocks + block) * 16, 0);
  }
  v16 loaded[SPAN];
  for (long first = 0; first < count; first += SPAN) {
    const long span = least(SPAN, count - first);
    load_row(z, half, s->planar, n, s->channels, block, voxels, voxel + first, span, loaded);
    if (norm) for (long i = 0; i < span; i++) loaded[i] = loaded[i] * scale + shift;
    if (activation) for (long i = 0; i < span; i++) loaded[i] = activate16(loaded[i], activation, slope);
    if (keep) for (long i = 0; i < span; i++) loaded[i] = keep16(loaded[i], bits[first + i], kept);
    if (t) for (long i = 0; i < span; i++) out[first + i] += select16(mask, loaded[i], splat16(0));
    else for (long i = 0; i < span; i++) out[first + i] = select16(mask, loaded[i], splat16(0));
  }
}

HELPER void source_row(const struct segment *s, long n, long block, long d, long h, long w, long count,
    v16 *out) {
  const long voxel = (d * s->height + h) * s->width + w;
  for (int t = 0; t < s->terms; t++) term_row(s, t, n, block, voxel, count, out);
}

// Four source rows are evaluated once for a stretch of the output row, then interpolated.
HELPER void trilinear_row(const struct segment *s, long n, long block, long d, long h, long w, long count,
    v16 *out) {
  const struct interpolation z = interpolation_at(d, s->words[SEG_factorD], s->depth);
  const struct interpolation y = interpolation_at(h, s->words[SEG_factorH], s->height);
  const float plane[4] = {(1.0f - z.weight) * (1.0f - y.weight), (1.0f - z.weight) * y.weight,
                          z.weight * (1.0f - y.weight), z.weight * y.weight};
  v16 rows[4][32];
  for (long first = 0; first < count;) {
    const long low = interpolation_at(w + first, s->words[SEG_factorW], s->width).low;
    const long span = least(32, s->width - low);
    for (int corner = 0; corner < 4; corner++)
      if (plane[corner] != 0.0f)
        source_row(s, n, block, corner & 2 ? z.high : z.low, corner & 1 ? y.high : y.low, low, span,
            rows[corner]);
    for (; first < count; first++) {
      const struct interpolation x = interpolation_at(w + first, s->words[SEG_factorW], s->width);
      if (x.high >= low + span) break;
      v16 sum = splat16(0);
      for (int corner = 0; corner < 4; corner++) {
        if (plane[corner] == 0.0f) continue;
        if (x.weight != 1.0f) sum += plane[corner] * (1.0f - x.weight) * rows[corner][x.low - low];
        if (x.weight != 0.0f) sum += plane[corner] * x.weight * rows[corner][x.high - low];
      }
      out[first] = sum;
    }
  }
}

// The segment's value at (d, h, w … w + count) of the consumer's input, which lies inside its extents.
HELPER void segment_row(const struct segment *s, long n, long block, long d, long h, long w, long count,
    v16 *out) {
  const int64_t *words = s->words;
  if (s->map == MAP_crop) {
    source_row(s, n, block, d + words[SEG_cropD], h + words[SEG_cropH], w + words[SEG_cropW], count, out);
  } else if (s->map == MAP_nearest) {
    const long factor = words[SEG_factorW];
    v16 source[SPAN];
    for (long first = 0; first < count;) {
      const long low = (w + first) / factor, span = least(SPAN, s->width - low);
      source_row(s, n, block, d / words[SEG_factorD], h / words[SEG_factorH], low, span, source);
      for (; first < count && (w + first) / factor < low + span; first++)
        out[first] = source[(w + first) / factor - low];
    }
  } else {
    trilinear_row(s, n, block, d, h, w, count, out);
  }
}
