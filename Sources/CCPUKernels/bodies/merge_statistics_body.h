// Statistics of planes of tiles from those of the tiles, by Chan's formula in double: rows, then columns.

#ifndef VOXCL_MERGE_STATISTICS_BODY_H
#define VOXCL_MERGE_STATISTICS_BODY_H
struct merged { double count, mean, squares; };
static inline void merge(struct merged *s, double mean, double squares, double count) {
  const double total = s->count + count, delta = mean - s->mean;
  s->mean += delta * (count / total);
  s->squares += squares + delta * delta * (s->count * count / total);
  s->count = total;
}
#endif

VOXCL_KERNEL(merge_statistics) {
  const long D = INTEGER(D), H = INTEGER(H), W = INTEGER(W), tile_d = INTEGER(tileD);
  const long tile_h = INTEGER(tileH), tile_w = INTEGER(tileW);
  const long tiles_d = over(D, tile_d), tiles_h = over(H, tile_h), tiles_w = over(W, tile_w);
  const float *tiles = OPERAND(float, tiles);
  float *partials = OPERAND(float, partials);
  for (long plane = group; plane < INTEGER(N) * over(INTEGER(C), 16) * tiles_d; plane += groups) {
    const long chunk = plane / tiles_d * INTEGER(chunks) + plane % tiles_d;
    const long depth = least(tile_d, D - plane % tiles_d * tile_d);
    for (int lane = 0; lane < 16; lane++) {
      struct merged all = {0, 0, 0};
      for (long h = 0; h < tiles_h; h++) {
        struct merged row = {0, 0, 0};
        for (long w = 0; w < tiles_w; w++) {
          const float *part = tiles + ((plane * tiles_h + h) * tiles_w + w) * 32 + lane;
          merge(&row, part[0], part[16], (double)(depth * least(tile_h, H - h * tile_h) * least(tile_w, W - w * tile_w)));
        }
        merge(&all, row.mean, row.squares, row.count);
      }
      partials[chunk * 32 + lane] = (float)all.mean;
      partials[chunk * 32 + 16 + lane] = (float)all.squares;
    }
  }
}
