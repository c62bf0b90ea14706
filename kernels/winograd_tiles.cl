// Where tiles of Winograd's convolutions stand, and what they read and write.
#include "winograd_multiply.cl"

// Cells of an axis with so many outputs: their last one has the last.
static inline int cells_of(int outputs, int pad) { return OUT_PHASES > 1 ? (outputs + pad + 1) / 2 : outputs; }
// First input that a cell's outputs read.
static inline int origin_of(int cell, int pad) { return OUT_PHASES > 1 ? cell - 1 : cell * STEP - pad; }

// Where a tile stands, and the one behind it in (n, d, h, w) order, without divisions.
typedef struct { long n; int d, h, w; } Place;
static inline Place place_of(long tile, int tilesD, int tilesH, int tilesW) {
  const long row = tile / tilesW, plane = row / tilesH;
  return (Place){plane / tilesD, (int)(plane % tilesD), (int)(row % tilesH), (int)(tile % tilesW)};
}
static inline Place place_behind(Place p, int tilesD, int tilesH, int tilesW) {
  if (++p.w == tilesW) p.w = 0, p.h++;
  if (p.h == tilesH) p.h = 0, p.d++;
  if (p.d == tilesD) p.d = 0, p.n++;
  return p;
}

// What `run` tiles from there on read.
static inline Region region_of(Place p, int run, int padD, int padH, int padW) {
  return (Region){KD > 1 ? origin_of(p.d * MD, padD) : p.d - padD, origin_of(p.h * M, padH), origin_of(p.w * M, padW),
                  PD, P, STEP * (M * run + K - 1), STEP};
}

// What the tiles [tile, end) read, or write.
static inline void add_boxes(Ahead* a, bool isOutput, long tile, long end, int tilesD, int tilesH, int tilesW, int padD,
                             int padH, int padW) {
  for (; tile < end && a->boxes < MOST_BOXES; a->boxes++) {
    const Place place = place_of(tile, tilesD, tilesH, tilesW);
    const int run = (int)min(end - tile, (long)(tilesW - place.w));
    a->box[a->boxes] = isOutput ? (Region){place.d * MD, place.h * M, place.w * M, MD, M, M * run, 1}
                                : region_of(place, run, padD, padH, padW);
    a->n[a->boxes] = place.n;
    tile += run;
  }
}

// A row of frequencies of V, of all blocks: `x`, a block `xBlock` vectors behind the other, has the columns of a set's
// `count` tiles, those of a row of tiles behind those of the other, `firstRun` of them in the first.
static inline void line_in(__global const Floats16* x, long xBlock, int line, int firstRun, int count, int tilesW,
                           int inBlocks, __global Floats16* v, long frequency) {
  for (int t = 0, run = min(count, firstRun); t < count; t += run, run = min(count - t, tilesW)) {
    const int width = STEP * (M * run + K - 1);
    for (int k = 0; k < inBlocks; k++)
      row_in(x + k / STEP * xBlock + line * width + k % STEP, STEP, run, v + k * TILES + t, frequency);
    x += PD * P * width;
  }
}
