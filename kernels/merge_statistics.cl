// Mean and M2 of the planes of tiles of a tensor from those that a convolution left of each tile. A plane of tiles is
// a run of voxels, so norm_finalise takes it as a chunk. Rows first: the fewer terms in turn, the less rounding.
#include "statistics.cl"
enum { WORD_tiles, WORD_partials, WORD_N, WORD_C, WORD_D, WORD_H, WORD_W, WORD_tileD, WORD_tileH,
       WORD_tileW, WORD_chunks };

VOXCL_KERNEL(merge_statistics) {
  VOXCL_BEGIN
  __global const float* tiles = OPERAND(const float, tiles);
  __global float* partials = OPERAND(float, partials);
  const int D = (int)INTEGER(D), H = (int)INTEGER(H), W = (int)INTEGER(W);
  const int tileD = (int)INTEGER(tileD), tileH = (int)INTEGER(tileH), tileW = (int)INTEGER(tileW);
  const int tilesD = (D + tileD - 1) / tileD, tilesH = (H + tileH - 1) / tileH, tilesW = (W + tileW - 1) / tileW;
  const long planes = INTEGER(N) * ((INTEGER(C) + 15) / 16) * tilesD;
  for (long plane = group; plane < planes; plane += groups) {
    const int depth = min(tileD, D - (int)(plane % tilesD) * tileD);
    Statistics all = {0.0f, 0.0f, 0.0f};
    for (int h = 0; h < tilesH; h++) {
      const int height = min(tileH, H - h * tileH);
      Statistics row = {0.0f, 0.0f, 0.0f};
      for (int w = 0; w < tilesW; w++) {
        const long at = 2 * ((plane * tilesH + h) * tilesW + w);
        combine(&row, vload16(at, tiles), vload16(at + 1, tiles), (float)(depth * height * min(tileW, W - w * tileW)));
      }
      combine(&all, row.mean, row.m2, row.count);
    }
    const long chunk = plane / tilesD * INTEGER(chunks) + plane % tilesD;
    vstore16(all.mean, 2 * chunk, partials);
    vstore16(all.m2, 2 * chunk + 1, partials);
  }
}
