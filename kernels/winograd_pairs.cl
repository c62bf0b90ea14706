// What Winograd's weight gradients read and multiply: tiles of the two sides, and products of a pair of blocks in registers.
#include "winograd_adjoint.cl"

#ifndef TW
#define TW 16
#endif
#ifndef A_LANES
#define A_LANES 8
#endif
#ifndef B_BLOCKS
#define B_BLOCKS 2
#endif

// Strides from frequency to frequency are odd multiples of a cache line: even ones would share few cache sets.
#define FREQUENCY (TW | 1)
#define STEP (M == 5 ? 2 : 1)  // of A, from a phase's voxel to the next
#define ROW_PHASES (M == 5 ? PHASES / 2 : 1)
#define BLOCK_VECTORS (FREQUENCIES * FREQUENCY)  // a block's transforms lie together: memory is read in its own order
#define LINE_VECTORS (P * FREQUENCY)             // those of a row of frequencies

// The next frequency's values come from the third-level cache where a set is large. (x86, where the compiler calls itself
// so: PoCL.)
#if defined(__x86_64__) && TW > 16
#define FETCH(p) if (fetches) __builtin_prefetch((const void*)(size_t)(p));
#else
#define FETCH(p)
#endif

// Lanes of A from `v` on times B_BLOCKS blocks from `z` on, `between` vectors apart, over `count` tiles, added to
// sums[b][16][16] (stored there at first).
static inline void multiply(__global const float* v, __global const Floats16* z, long between, int count, bool first,
                            const int fetches, __global Floats16* sums) {
  float16 acc[A_LANES][B_BLOCKS];
  #pragma unroll
  for (int l = 0; l < A_LANES; l++)
    #pragma unroll
    for (int o = 0; o < B_BLOCKS; o++) acc[l][o] = 0.0f;
  for (int t = 0; t < count; t++) {
    float16 zv[B_BLOCKS];
    #pragma unroll
    for (int o = 0; o < B_BLOCKS; o++) {
      FETCH(z + o * between + t + FREQUENCY)
      zv[o] = z[o * between + t];
    }
    #pragma unroll
    for (int l = 0; l < A_LANES; l++) {
      const float16 x = v[t * 16 + l];
      #pragma unroll
      for (int o = 0; o < B_BLOCKS; o++) acc[l][o] = fma(x, zv[o], acc[l][o]);
    }
  }
  #pragma unroll
  for (int l = 0; l < A_LANES; l++)
    #pragma unroll
    for (int o = 0; o < B_BLOCKS; o++) {
      __global Floats16* to = sums + o * 16 + l;
      *to = first ? acc[l][o] : *to + acc[l][o];
    }
}

// Partial sums of a partition's pair of blocks, of `taps` taps.
static inline __global Floats16* partial_at(__global float* partials, int taps, long partition, int a, int aBlocks, int b,
                                            int bBlocks) {
  return (__global Floats16*)partials + ((partition * aBlocks + a) * bBlocks + b) * (taps * 16L);
}

// The tiles of both sides, and how A's stand over B's.
typedef struct { int tilesD, tilesH, tilesW, padD, padH, padW; } Grid;

// Columns of B that are staged for `run` tiles of a row: an odd number, for rows of a power of two share few cache sets.
static inline int columns_of(int run) { return M * run | 1; }

// What `run` tiles of a row read of A, from `tile` on, or of B.
static inline Region region_of(const Grid g, long tile, int run, bool isA) {
  const int low = isA ? 1 : 0, step = isA ? STEP : 1;
  const int d = (int)(tile / g.tilesW / g.tilesH % g.tilesD) * MD, h = (int)(tile / g.tilesW % g.tilesH) * M;
  return (Region){d * (KD > 1 ? step : 1) - low * g.padD, h * step - low * g.padH,
                  (int)(tile % g.tilesW) * M * step - low * g.padW, isA ? PD : MD, isA ? P : M,
                  isA ? step * (M * run + K - 1) : columns_of(run), step};
}

// What the tiles [tile, end) read.
static inline Ahead ahead_of(const Grid g, long tile, long end, bool isA, int D, int H, int W) {
  Ahead r = {.boxes = 0, .D = D, .H = H, .W = W};
  for (int run; tile < end && r.boxes < MOST_BOXES; tile += run, r.boxes++) {
    run = (int)min(end - tile, (long)g.tilesW - tile % g.tilesW);
    r.box[r.boxes] = region_of(g, tile, run, isA), r.n[r.boxes] = tile / g.tilesW / g.tilesH / g.tilesD;
  }
  return r;
}
