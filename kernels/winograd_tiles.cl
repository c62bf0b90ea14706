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
