// Products of conv3d_winograd in registers: V of some tiles times the transformed weights.
#include "winograd.cl"

#ifndef TW
#define TW 12
#endif
#ifndef OB
#define OB 2
#endif
#ifndef INNER
#define INNER 0
#endif

#ifndef TRANSPOSED
#define TRANSPOSED 0
#endif

// M 5: phases of the input, seen as so many blocks more, or of the output of a transposed convolution.
#define IN_PHASES (M == 5 && !TRANSPOSED ? PHASES : 1)
#define OUT_PHASES (M == 5 && TRANSPOSED ? PHASES : 1)
#define STEP (IN_PHASES > 1 ? 2 : 1)  // from a phase's voxel of the input to the next

#define MAX_RUN (OB == 1 ? 24 : OB == 2 ? 14 : OB == 3 ? 9 : 6)
#define RUNS ((TW + MAX_RUN - 1) / MAX_RUN)
#define T ((TW + RUNS - 1) / RUNS)  // tiles whose sums are in registers at once
#define TILES (RUNS * T)
#define CHAIN 4

// Weights come from the third-level cache at best, and a processor foresees only the rest of a page: asked for two input
// blocks ahead, at the end those of the next frequency. (x86, where the compiler calls itself so: PoCL.)
// INNER: weights were just made, but values come from there, a line of the next block's at a time.
#if defined(__x86_64__) && INNER
#define FETCH(i) \
  if (i < T) __builtin_prefetch((const void*)(size_t)(values + i));
#elif defined(__x86_64__)
#define FETCH(i) \
  for (int o = 0; o < OB; o++) __builtin_prefetch((const void*)(size_t)(ahead + ((i) * OB + o) * 16));
#else
#define FETCH(i) (void)ahead, (void)values;
#endif

// Tiles [0, T) of `v` times the weights `w` of input blocks [from, to): added to sums[o][TILES] (stored there at first).
// INNER 0: what is fetched ahead of the last two blocks lies `skip` further, with the next frequency's weights; INNER 1:
// `next` are the values behind these.
static inline void multiply_chain(__global const Floats16* v, __global const float* w, long skip, int from, int to,
                                  int inBlocks, __global const long* segments, int segmentCount,
                                  __global const Floats16* next, __global Floats16* sums) {
  float16 acc[OB][T];
  #pragma unroll
  for (int o = 0; o < OB; o++)
    #pragma unroll
    for (int t = 0; t < T; t++) acc[o][t] = 0.0f;
  for (int block = from; block < to; block++, w += OB * 256) {
    __global const float* ahead = w + 2 * (OB * 256) + (block + 2 < inBlocks ? 0 : skip);
    __global const Floats16* values = block + 1 < to ? v + (block + 1) * TILES : next;
    const int lanes = block_channels(segments, segmentCount, block / IN_PHASES);
    __global const float* x = (__global const float*)(v + block * TILES);
    for (int i = 0; i < lanes; i++) {
      FETCH(i)
      float16 wv[OB];
      #pragma unroll
      for (int o = 0; o < OB; o++) wv[o] = vload16(i * OB + o, w);
      #pragma unroll
      for (int t = 0; t < T; t++) {
        const float16 xv = x[t * 16 + i];
        #pragma unroll
        for (int o = 0; o < OB; o++) acc[o][t] = fma(xv, wv[o], acc[o][t]);
      }
    }
  }
  #pragma unroll
  for (int o = 0; o < OB; o++)
    #pragma unroll
    for (int t = 0; t < T; t++) {
      __global Floats16* sum = sums + o * TILES + t;
      *sum = from ? *sum + acc[o][t] : acc[o][t];
    }
}

// Aᵀ along one axis: P sums to M outputs.
#define TRANSFORM_OUT(x, from, y, to)                                                                       \
  {                                                                                                         \
    const float16 m0 = (x)[0], m1 = (x)[(from)], m2 = (x)[2 * (from)],                                      \
                  m3 = (x)[3 * (from)], s12 = m1 + m2, d12 = m1 - m2;                                       \
    if (M >= 4) {                                                                                           \
      const float16 m4 = (x)[4 * (from)], m5 = (x)[(P - 1) * (from)];                                       \
      const float16 s34 = m3 + m4, d34 = m3 - m4;                                                           \
      (y)[0] = (m0 + s12) + s34;                                                                            \
      (y)[(to)] = fma(d34, (float16)1.5f, d12 * 0.75f);                                                     \
      (y)[2 * (to)] = fma(s34, (float16)2.25f, s12 * 0.5625f);                                              \
      (y)[3 * (to)] = fma(d34, (float16)3.375f, M == 5 ? d12 * 0.421875f : fma(d12, (float16)0.421875f, m5)); \
      if (M == 5) (y)[(M - 1) * (to)] = fma(s34, (float16)5.0625f, fma(s12, (float16)0.31640625f, m5));     \
    } else {                                                                                                \
      (y)[0] = m0 + s12;                                                                                    \
      (y)[(to)] = d12 + m3;                                                                                 \
    }                                                                                                       \
  }

// Tiles of which a whole row of frequencies has its sums in registers, and goes back along W before it goes to memory; 0:
// none. For few blocks alone: weights and values of the row stay in the first-level cache (two blocks by two: 7 % slower).
#define ROW_TILES (M >= 4 && !INNER && OB < 3 && TILES % (4 / OB) == 0 ? 4 / OB : 0)
#define TAKES_ROWS(inBlocks) (ROW_TILES && (inBlocks) * OB <= 2)

#if ROW_TILES
// Tiles [0, ROW_TILES) of a row's V times its weights `w`, back along W: outputs[w][o][TILES]. Asks for the next row's
// weights of frequency `part`.
static inline void multiply_tiles(__global const Floats16* v, long vFrequency, __global const float* w, long uFrequency,
                                  int inBlocks, __global const long* segments, int segmentCount, int part,
                                  __global Floats16* outputs) {
  float16 acc[P][OB][ROW_TILES];
  #pragma unroll
  for (int f = 0; f < P; f++)
    #pragma unroll
    for (int o = 0; o < OB; o++)
      #pragma unroll
      for (int t = 0; t < ROW_TILES; t++) acc[f][o][t] = 0.0f;
  for (int block = 0; block < inBlocks; block++, w += OB * 256) {
    const int lanes = block_channels(segments, segmentCount, block / IN_PHASES);
    __global const float* x = (__global const float*)(v + block * TILES);
    for (int i = 0; i < lanes; i++) {
#if defined(__x86_64__)
      for (int o = 0; o < OB; o++)
        __builtin_prefetch((const void*)(size_t)(w + (P + part) * uFrequency + (i * OB + o) * 16));
#endif
      #pragma unroll
      for (int f = 0; f < P; f++) {
        float16 wv[OB];
        #pragma unroll
        for (int o = 0; o < OB; o++) wv[o] = vload16(i * OB + o, w + f * uFrequency);
        #pragma unroll
        for (int t = 0; t < ROW_TILES; t++) {
          const float16 xv = x[f * vFrequency * 16 + t * 16 + i];
          #pragma unroll
          for (int o = 0; o < OB; o++) acc[f][o][t] = fma(xv, wv[o], acc[f][o][t]);
        }
      }
    }
  }
  #pragma unroll
  for (int o = 0; o < OB; o++)
    #pragma unroll
    for (int t = 0; t < ROW_TILES; t++)
      TRANSFORM_OUT(&acc[0][o][t], OB * ROW_TILES, outputs + o * TILES + t, OB * TILES)
}
#endif
