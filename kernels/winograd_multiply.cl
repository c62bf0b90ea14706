// The products of conv3d_winograd: V times the transformed weights, a row of frequencies at a time.
#include "winograd_products.cl"

// What is asked for between products: what the next set stages, and what this set's outputs of OB blocks from `block` on
// are stored with. `flags`: those of the segments, one behind the other downwards.
typedef struct {
  const Arenas* arenas;
  __global const long *segments, *flags;
  Beside sum, mask;
  Ahead next, here;
  int block;
} Wanted;

// Asks for part fW of the line (fD, fH), of V's blocks [from, to). Phases that share rows of the input share them here.
static inline void fetch_blocks(const Wanted* r, int fD, int fH, int fW, int from, int to) {
  for (int k = from; k < to && r->next.boxes; k++) {
    const int phase = k % IN_PHASES / STEP;
    int block = k / IN_PHASES;
    const int s = segment_of(r->segments, 0, &block);
    fetch_ahead(r->arenas, r->segments + s * SEGMENT_WORDS, (int)r->flags[-s], &r->next, block, fD * STEP + phase / 2,
                fH * STEP + phase % 2, fW * STEP + k % STEP, P * STEP);
  }
  for (int o = 0; o < OB && r->here.boxes && from == 0 && fD < MD && fH < M; o++) {
    fetch_outputs(r->sum, &r->here, r->block + o, fD, fH, fW, P);
    fetch_outputs(r->mask, &r->here, r->block + o, fD, fH, fW, P);
  }
}

// Sums of a row of frequencies back along W.
static inline void row_out(__global const Floats16* sums, __global Floats16* outputs) {
  for (int i = 0; i < OB * TILES; i++) TRANSFORM_OUT(sums + i, OB * TILES, outputs + i, OB * TILES)
}

// Row (fD, fH) of P frequencies, with which `v` and `u` start, all tiles: outputs[w][o][tile][16] of them. On the way there
// sums[W frequency][o][tile][16]: every CHAIN input blocks they are added to memory, for shorter chains halve the rounding
// error at 128 channels and more.
static inline void multiply_row(const Wanted* wanted, __global const Floats16* v, long vFrequency, __global const float* u,
                                long uFrequency, int inBlocks, __global const long* segments, int segmentCount, int fD,
                                int fH, __global Floats16* sums, __global Floats16* outputs) {
#if ROW_TILES
  if (TAKES_ROWS(inBlocks)) {
    for (int f = 0; f < P; f++) fetch_blocks(wanted, fD, fH, f, 0, inBlocks);
    for (int t = 0; t < TILES; t += ROW_TILES)
      multiply_tiles(v + t, vFrequency, u, uFrequency, inBlocks, segments, segmentCount, t / ROW_TILES % P, outputs + t);
    return;
  }
#endif
  for (int f = 0; f < P; f++, u += uFrequency)
    for (int t0 = 0; t0 < TILES; t0 += T)
      for (int from = 0; from < inBlocks; from += CHAIN) {
        const int to = min(from + CHAIN, inBlocks);
        if (t0 == 0) fetch_blocks(wanted, fD, fH, f, from, to);
        multiply_chain(v + f * vFrequency + t0, u + from * (OB * 256), uFrequency - inBlocks * (OB * 256), from, to,
                       inBlocks, segments, segmentCount, v, sums + f * OB * TILES + t0);
      }
  row_out(sums, outputs);
}

#define NINE (9 * 16 * OB)  // vectors of nine taps of an input block

// Of weights [inBlock][tap][16][OB][16] those at depth frequency fD: [inBlock][9][16][OB][16], blocks `*stride` vectors
// apart. In the plane, and at the last frequency, they are so already. `nine` holds two depth frequencies: an odd fD
// makes those of fD + 1 with its own.
static inline __global const Floats16* depth_weights(__global const float* packed, int fD, int inBlocks,
                                                     __global Floats16* nine, int* stride) {
  __global const Floats16* taps = (__global const Floats16*)packed;
  *stride = KD * NINE;
  if (KD == 1) return taps;
  if (fD == PD - 1) return taps + 2 * NINE;
  *stride = NINE;
  if (fD > 0 && fD % 2 == 0) return nine + inBlocks * NINE;
  for (int block = 0; block < inBlocks; block++, taps += 3 * NINE)
    for (int i = 0; i < NINE; i++) {
      __global Floats16* to = nine + block * NINE + i;
      if (fD == 0) {
        *to = taps[i] * G[0][0];
        continue;
      }
      float16 pair[2];
      frequency_pair(fD, taps[i], taps[i + NINE], taps[i + 2 * NINE], pair);
      to[0] = pair[0];
      to[inBlocks * NINE] = pair[1];
    }
  return nine;
}

// The row of frequencies fH of V, as multiply_row, with the weights `nine` of its depth frequency, blocks `stride` apart.
static inline void multiply_inner_row(__global const Floats16* v, long vFrequency, __global const Floats16* nine,
                                      int stride, int fH, int inBlocks, __global const long* segments, int segmentCount,
                                      __global Floats16* row, __global Floats16* sums, __global Floats16* outputs) {
  for (int from = 0; from < inBlocks; from += CHAIN) {
    const int to = min(from + CHAIN, inBlocks);
    for (int block = from; block < to; block++)
      for (int i = 0; i < 16 * OB; i++) {
        __global const Floats16* w = nine + block * stride + i;
#define AT(k) w[(k) * (16 * OB)]
        const float16 a = frequency_of(fH, AT(0), AT(3), AT(6)), b = frequency_of(fH, AT(1), AT(4), AT(7));
        const float16 c = frequency_of(fH, AT(2), AT(5), AT(8));
        float16 line[P];
        frequencies_of(a, b, c, line);
        #pragma unroll
        for (int fW = 0; fW < P; fW++) row[(fW * CHAIN + block - from) * (16 * OB) + i] = line[fW];
      }
    for (int f = 0; f < P; f++)
      for (int t0 = 0; t0 < TILES; t0 += T) {
        __global const float* w = (__global const float*)(row + f * (CHAIN * 16 * OB));
        __global const Floats16* next =
            v + from * TILES + (t0 + T < TILES ? f * vFrequency + t0 + T : (f + 1) * vFrequency);
        multiply_chain(v + f * vFrequency + t0, w, 0, from, to, inBlocks, segments, segmentCount, next,
                       sums + f * OB * TILES + t0);
      }
  }
  row_out(sums, outputs);
}
