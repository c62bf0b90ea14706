// Weights that a Winograd convolution transforms itself (INNER): a row of frequencies at a time, of INNER_CHAIN input
// blocks; they come as taps, [input block][tap][16 i][output block][16].

#ifndef VOXCL_WINOGRAD_INNER_H
#define VOXCL_WINOGRAD_INNER_H
enum { INNER_CHAIN = 4 };
#define inner_vectors VOXCL_NAME(inner_vectors)
#define inner_weights VOXCL_NAME(inner_weights)
#define frequency_of VOXCL_NAME(frequency_of)
#endif

// Vectors of `inner_weights`' workspace; `width` is 16 lanes times the output blocks.
INLINE long inner_vectors(int m, long blocks, long width) { return width * (9 * blocks + (m + 2) * INNER_CHAIN); }

INLINE v16 frequency_of(const int M, long f, v16 a, v16 b, v16 c) {
  const double *g = M == 4 ? winograd_weight_4[f] : winograd_weight_2[f];
  return (float)g[0] * a + (float)g[1] * b + (float)g[2] * c;
}

// Row `row` (D frequency · (M + 2) + H frequency) of input blocks [low, high) to to[W frequency][INNER_CHAIN][width];
// behind it the depth frequency's nine taps, made by its first row.
INLINE void inner_weights(const int M, const int TAPS_D, const v16 *taps, long blocks, long width, long row, long low,
    long high, v16 *to) {
  const int n = M + 2;
  v16 *nine = to + n * INNER_CHAIN * width;
  if (TAPS_D == 1) {
    nine = (v16 *)taps;
  } else if (row % n == 0) {
    for (long block = low; block < high; block++)
      for (long i = 0; i < 9 * width; i++) {
        const v16 *w = taps + block * 27 * width + i;
        nine[block * 9 * width + i] = frequency_of(M, row / n, w[0], w[9 * width], w[18 * width]);
      }
  }
  for (long block = low; block < high; block++)
    for (long i = 0; i < width; i++) {
      const v16 *w = nine + block * 9 * width + i;
      v16 line[3];
      for (int x = 0; x < 3; x++)
        line[x] = frequency_of(M, row % n, w[x * width], w[(3 + x) * width], w[(6 + x) * width]);
      for (int f = 0; f < n; f++)
        to[(f * INNER_CHAIN + block - low) * width + i] = frequency_of(M, f, line[0], line[1], line[2]);
    }
}
