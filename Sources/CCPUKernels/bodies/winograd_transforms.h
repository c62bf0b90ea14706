// Transforms of Winograd's kernels along an axis, and of an input tile.

#ifndef VOXCL_WINOGRAD_TRANSFORMS_H
#define VOXCL_WINOGRAD_TRANSFORMS_H
#define transform_line VOXCL_NAME(transform_line)
#define winograd_input VOXCL_NAME(winograd_input)
#endif

// to[i · to_step] = Σ_j matrix[i][j] from[j · from_step]; the zeros of a constant matrix cost nothing.
INLINE void transform_line(const int ROWS, const int COLUMNS, const float *matrix, const v16 *from,
    long from_step,
                           v16 *to, long to_step) {
  v16 x[6];
#pragma clang loop unroll(full)
  for (int j = 0; j < COLUMNS; j++) x[j] = from[j * from_step];
#pragma clang loop unroll(full)
  for (int i = 0; i < ROWS; i++) {
    v16 sum = splat16(0);
#pragma clang loop unroll(full)
    for (int j = 0; j < COLUMNS; j++) {
      const float m = matrix[i * COLUMNS + j];
      if (m == 1.0f) sum += x[j];
      else if (m == -1.0f) sum -= x[j];
      else if (m != 0.0f) sum += m * x[j];
    }
    to[i * to_step] = sum;
  }
}

// One tile's 6³ (m 2: 4³) values (with one tap along D 6² or 4²), whose rows lie `plane` and `row` vectors apart, to
// frequencies `step` apart.
INLINE void winograd_input(const int M, const int TAPS_D, const v16 *from, long plane, long row, v16 *to, long step) {
  const int n = POINTS(M);
  const float *matrix = M == 2 ? winograd_input_2[0] : winograd_input_4[0];
  v16 x[216];
  for (int d = 0; d < (TAPS_D == 1 ? 1 : n); d++) {
    for (int h = 0; h < n; h++) transform_line(n, n, matrix, from + d * plane + h * row, 1,
        x + (d * n + h) * n, 1);
    if (TAPS_D == 1) break;
    for (int w = 0; w < n; w++) transform_line(n, n, matrix, x + d * n * n + w, n, x + d * n * n + w, n);
  }
  if (TAPS_D == 1) {
    for (int w = 0; w < n; w++) transform_line(n, n, matrix, x + w, n, to + w * step, n * step);
    return;
  }
  for (int hw = 0; hw < n * n; hw++) transform_line(n, n, matrix, x + hw, n * n, to + hw * step,
      n * n * step);
}
