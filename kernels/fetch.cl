// Asking for input before it is staged, and for what outputs are stored with. Only for values that are stored in blocks, on
// compilers for x86 that call themselves so (PoCL).
#include "sink.cl"

// A box of the consumer's input: first voxel (may lie outside) and extents; its planes and rows lie `step` apart.
typedef struct { int d, h, w, depth, height, width, step; } Region;

// What a set of tiles stages of a block of an input of D × H × W: the first of its rows of tiles. None: nothing is asked.
#define MOST_BOXES 8
// Whether to ask for an input of so many elements: fewer are in a cache as it is. Elsewhere a constant, so that a compiler
// leaves out what is asked for too.
#if defined(__x86_64__)
#define FETCHES(elements) ((elements) > 2000000)
#else
#define FETCHES(elements) false
#endif
typedef struct { Region box[MOST_BOXES]; long n[MOST_BOXES]; int boxes, D, H, W; } Ahead;

#if defined(__x86_64__)
static inline void fetch_bytes(__global const uchar* at, int bytes, const int level) {
  const uchar* from = (const uchar*)(size_t)at;
  for (int i = 0; i < bytes; i += 64)
    if (level == 1) __builtin_prefetch(from + i);
    else __builtin_prefetch(from + i, 0, 2);
}

// Asks for a row that will be staged soon, into a cache's level: rows are too short for a processor to foresee the next.
static inline void fetch_row(const Arenas* arenas, __global const long* s, const int flags, long n, int block,
                             long d, long h, int w, int count, const int level) {
  if (SEGMENT_MAP(flags) || SEGMENT_PLANAR(flags)) return;
  const long blocks = (s[SEG_channels] + 15) / 16;
  const long plane = ((n * blocks + block) * s[SEG_sourceD] + d + s[SEG_cropD]) * s[SEG_sourceH];
  const long voxel = (plane + h + s[SEG_cropH]) * s[SEG_sourceW] + w + s[SEG_cropW];
  const int bytes = TERM_FLAGS(flags, 0) & 1 ? 32 : 64;
  fetch_bytes(operand_at(arenas, s[SEG_tensor0]) + voxel * bytes, count * bytes, level);
}
#else
#define fetch_row(arenas, s, flags, n, block, d, h, w, count, level)
#endif

// Asks for a part of the line (d0, h0) of what the next set stages, into the second-level cache. Parts are asked for one
// by one between products, which wait for no memory, so that all has come when it is staged. `flags` are the call's.
static inline void fetch_ahead(const Arenas* arenas, __global const long* s, int flags, const Ahead* ahead, int block,
                               int d0, int h0, int part, const int parts) {
#if defined(__x86_64__)
  const int whole = ahead->boxes > 2;  // a part is of each box, or some boxes
  for (int i = whole ? part : 0; i < ahead->boxes; i += whole ? parts : 1) {
    const Region r = ahead->box[i];
    const int d = r.d + d0, h = r.h + h0, first = whole ? 0 : r.width * part / parts;
    const int from = max(r.w + first, 0), to = min(r.w + (whole ? r.width : r.width * (part + 1) / parts), ahead->W);
    if (d >= 0 && d < ahead->D && h >= 0 && h < ahead->H)
      fetch_row(arenas, s, flags, ahead->n[i], block, d, h, from, to - from, 2);
  }
#endif
}

// What outputs are stored with: a tensor in blocks, which may be absent, of so many bytes a voxel. No Sink: one whose
// address is taken has no constants.
typedef struct { __global const uchar* values; long voxels; int blocks, bytes; } Beside;

// Asks for a part of the line (d0, h0) of boxes of the output.
static inline void fetch_outputs(Beside s, const Ahead* here, int block, int d0, int h0, int part, const int parts) {
#if defined(__x86_64__)
  for (int i = 0; i < here->boxes && s.values && block < s.blocks; i++) {
    const Region r = here->box[i];
    const int d = r.d + d0, h = r.h + h0, from = r.w + r.width * part / parts;
    const int to = min(r.w + r.width * (part + 1) / parts, here->W);
    const long voxel = (here->n[i] * s.blocks + block) * s.voxels + ((long)d * here->H + h) * here->W + from;
    if (d < here->D && h < here->H) fetch_bytes(s.values + voxel * s.bytes, (to - from) * s.bytes, 2);
  }
#endif
}

// A line of all blocks. `flags`: those of the segments, one behind the other downwards.
static inline void fetch_line(const Arenas* arenas, __global const long* segments, int count, __global const long* flags,
                              const Ahead* ahead, int d0, int h0) {
  if (ahead->boxes == 0) return;
  for (int s = 0; s < count; s++)
    for (int block = 0; block < ((int)segments[s * SEGMENT_WORDS + SEG_channels] + 15) / 16; block++)
      fetch_ahead(arenas, segments + s * SEGMENT_WORDS, (int)flags[-s], ahead, block, d0, h0, 0, 1);
}

// The segment that holds block *block of a side, counted over its segments from `segment` on.
static inline int segment_of(__global const long* segments, int segment, int* block) {
  for (;; segment++) {
    const int blocks = ((int)segments[segment * SEGMENT_WORDS + SEG_channels] + 15) / 16;
    if (*block < blocks) return segment;
    *block -= blocks;
  }
}

// What the next depth row of a tile stages: planes of a block of A, and blocks of B.
typedef struct {
  const Arenas* arenas;
  __global const long *segments, *flags;  // flags downwards
  Ahead a, b;
  int segmentA, blockA, firstOfB, firstB, blocksB;  // blocks of B are counted from segment firstOfB on
} Soon;

// Asks for what the row h of `rows` of the next depth row reads.
VOXCL_ONCE void fetch_row_of(const Soon* s, int h, int rows) {
  const int height = s->a.box[0].height, lines = s->a.box[0].depth * height;
  for (int line = lines * h / rows; line < lines * (h + 1) / rows; line++)
    fetch_ahead(s->arenas, s->segments + s->segmentA * SEGMENT_WORDS, (int)s->flags[-s->segmentA], &s->a, s->blockA,
                line / height, line % height, 0, 1);
  for (int o = 0; o < s->blocksB; o++) {
    int block = s->firstB + o;
    const int segment = segment_of(s->segments, s->firstOfB, &block);
    fetch_ahead(s->arenas, s->segments + segment * SEGMENT_WORDS, (int)s->flags[-segment], &s->b, block, 0, h, 0, 1);
  }
}
