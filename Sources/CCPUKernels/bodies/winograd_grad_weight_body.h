// Weight gradient of a 3×3×3 convolution of stride 1 by the adjoint of Winograd's F(m³, 3³): a visit takes one
// partition's tiles, up to A_SHARE blocks of A and B_SHARE of B, a batch of tiles at a time, and sums the (m+2)³
// products of their transforms; at the end these go back to taps. Stride 2: F(5³, 2³), each phase of A as a block of it.

#include "../segment.h"
#include "conv_geometry.h"
#include "conv_inputs.h"
#include "winograd_matrices.h"
#include "winograd_transforms.h"

#ifndef VOXCL_WINOGRAD_GRAD_WEIGHT_BODY_H
#define VOXCL_WINOGRAD_GRAD_WEIGHT_BODY_H
enum { A_SHARE = 2, B_SHARE = 4, GRAD_BATCH = 16 };  // blocks; tiles
// In vectors of a thread's scratch: staged rows, transforms, sums.
enum {
  GRAD_V_AT = 37 * 2 * (5 * GRAD_BATCH + 1),
  GRAD_Z_AT = GRAD_V_AT + 216 * GRAD_BATCH,
  GRAD_SUMS_AT = GRAD_Z_AT + 216 * B_SHARE * GRAD_BATCH
};
_Static_assert((GRAD_SUMS_AT + A_SHARE * B_SHARE * 216 * 16) * 16 <= SCRATCH_FLOATS, "scratch");

struct winograd_grad {
  struct conv_inputs a, b;
  long a_extent[3], b_extent[3], pad[3], tiles[3];
  v16 *rows, *v, *z, *sums;  // V[frequency][tile], Z[frequency][b][tile], sums[a][frequency][b][16]
};
#define winograd_target VOXCL_NAME(winograd_target)
#define winograd_taps VOXCL_NAME(winograd_taps)
#define frequency_sums VOXCL_NAME(frequency_sums)
#define all_sums VOXCL_NAME(all_sums)
#define grad_transform VOXCL_NAME(grad_transform)
#define phase_tap VOXCL_NAME(phase_tap)
#define WINOGRAD_ROWS VOXCL_NAME(WINOGRAD_ROWS)
#endif

// Rows of a 16 × 16 product that fit the registers, for one block of B.
enum { WINOGRAD_ROWS = VOXCL_LEVEL == 2 ? 16 : VOXCL_LEVEL == 1 ? 4 : 2 };

// A tile of M³ output gradients, whose rows lie `plane` and `row` vectors apart, to frequencies `step` apart.
INLINE void winograd_target(const int M, const int TAPS_D, const v16 *from, long plane, long row, v16 *to, long step) {
  const int n = POINTS(M);
  const float *matrix = M == 5 ? winograd_target_5[0] : M == 4 ? winograd_target_4[0] : winograd_target_2[0];
  v16 x[5 * 36];
  for (int d = 0; d < (TAPS_D == 1 ? 1 : M); d++) {
    for (int h = 0; h < M; h++)
      transform_line(n, M, matrix, from + d * plane + h * row, 1, x + (d * n + h) * n, 1);
    if (TAPS_D == 1) break;
    for (int w = 0; w < n; w++) transform_line(n, M, matrix, x + d * n * n + w, n, x + d * n * n + w, n);
  }
  if (TAPS_D == 1) {
    for (int w = 0; w < n; w++) transform_line(n, M, matrix, x + w, n, to + w * step, n * step);
    return;
  }
  for (int hw = 0; hw < n * n; hw++)
    transform_line(n, M, matrix, x + hw, n * n, to + hw * step, n * n * step);
}

// One lane's sums, `step` vectors apart, to its 27 (or 9) taps, or a phase's 8 (or 4).
INLINE void winograd_taps(const int M, const int TAPS_D, const v16 *from, long step, v16 *to) {
  const int n = POINTS(M), k = AXIS_TAPS(M);
  const float *matrix = M == 5 ? winograd_taps_5[0] : M == 4 ? winograd_taps_4[0] : winograd_taps_2[0];
  v16 x[36 * 3], y[6 * 9];
  for (int dh = 0; dh < (TAPS_D == 1 ? 1 : n) * n; dh++)
    transform_line(k, n, matrix, from + dh * n * step, step, x + dh * k, 1);
  if (TAPS_D == 1) {
    for (int w = 0; w < k; w++) transform_line(k, n, matrix, x + w, k, to + w, k);
    return;
  }
  for (int d = 0; d < n; d++)
    for (int w = 0; w < k; w++) transform_line(k, n, matrix, x + d * n * k + w, k, y + d * k * k + w, k);
  for (int hw = 0; hw < k * k; hw++) transform_line(k, n, matrix, y + hw, k * k, to + hw, k * k);
}

// sums[o][i] += Σ over `count` tiles of v[tile][i] · z[o][tile], for ROWS lanes i and COLUMNS blocks o.
INLINE void frequency_sums(const int ROWS, const int COLUMNS, const float *v, const v16 *z, long count, v16 *sums) {
  v16 s[24];
#pragma clang loop unroll(full)
  for (int i = 0; i < ROWS * COLUMNS; i++) s[i] = splat16(0);
  for (long t = 0; t < count; t++) {
    v16 lanes[3];
#pragma clang loop unroll(full)
    for (int o = 0; o < COLUMNS; o++) lanes[o] = z[o * GRAD_BATCH + t];
#pragma clang loop unroll(full)
    for (int i = 0; i < ROWS; i++) {
      const v16 x = splat16(v[t * 16 + i]);
#pragma clang loop unroll(full)
      for (int o = 0; o < COLUMNS; o++) s[i * COLUMNS + o] += x * lanes[o];
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < ROWS; i++)
#pragma clang loop unroll(full)
    for (int o = 0; o < COLUMNS; o++) sums[o * 16 + i] += s[i * COLUMNS + o];
}

// All frequencies of one block of A and `blocks` of B.
HELPER void all_sums(const struct winograd_grad *g, int frequencies, int lanes, int blocks, long count, v16 *sums) {
  for (int f = 0; f < frequencies; f++, sums += B_SHARE * 16) {
    const float *v = (const float *)(g->v + f * GRAD_BATCH);
    const v16 *z = g->z + f * B_SHARE * GRAD_BATCH;
    for (int o = 0; o < blocks;) {
      const int columns = VOXCL_LEVEL < 2 ? 1 : blocks - o == 4 ? 2 : (int)least(3, blocks - o);
      for (int i = 0; i < lanes;) {
        v16 *to = sums + o * 16 + i;
        const v16 *b = z + o * GRAD_BATCH;
        if (columns == 3) frequency_sums(8, 3, v + i, b, count, to), i += 8;
        else if (columns == 2) frequency_sums(8, 2, v + i, b, count, to), i += 8;
        else frequency_sums(WINOGRAD_ROWS, 1, v + i, b, count, to), i += WINOGRAD_ROWS;
      }
      o += columns;
    }
  }
}

// Tiles [first, first + count) of one block of a side (of A: of its phase) to its transforms, frequencies `step` vectors
// apart. `sum`, where it is not null, gets Σ of B's voxels.
INLINE void grad_transform(const int M, const int TAPS_D, const struct winograd_grad *g, const int is_a, long block,
                           long phase, long first, long count, v16 *to, long step, float *sum) {
  const long *tiles = g->tiles, size = is_a ? POINTS(M) : M, depth = TAPS_D == 1 ? 1 : M, apart = is_a && M == 5 ? 2 : 1;
  for (long at = first; at < first + count;) {  // a stretch of tiles along one row
    const long w = at % tiles[2], h = at / tiles[2] % tiles[1], d = at / tiles[2] / tiles[1] % tiles[0];
    const long n = at / tiles[2] / tiles[1] / tiles[0];
    const long stretch = least(tiles[2] - w, first + count - at), plane = stretch * M + size - M, row = plane * apart;
    struct stage_box box = {.n = n, .low = {d * depth * (TAPS_D == 1 ? 1 : apart), h * M * apart, w * M * apart},
                            .size = {TAPS_D == 1 ? 1 : size, size, row}, .step = apart, .plane = plane, .lines = apart};
    for (int i = 0; i < 3; i++) {
      box.low[i] -= is_a ? g->pad[i] : 0;
      box.extent[i] = is_a ? g->a_extent[i] : g->b_extent[i];
    }
    box.low[0] += phase / 4;
    box.low[1] += phase / 2 % 2;
    stage_block(is_a ? &g->a : &g->b, block, &box, g->rows, g->rows + 36 * row);
    const v16 *rows = g->rows + phase % 2 * plane;
    if (sum) {
      v16 all = splat16(0);
      for (long i = 0; i < depth * M * row; i++) all += rows[i];
      store16(sum, 0, load16(sum, 0, 0) + all, 0);
    }
    for (long t = 0; t < stretch; t++) {
      if (is_a) winograd_input(M, TAPS_D, rows + t * M, size * row, row, to + at - first + t, step);
      else winograd_target(M, TAPS_D, g->rows + t * M, size * row, row, to + at - first + t, step);
    }
    at += stretch;
  }
}

// Tap k of a phase among `all` along each axis; −1 where there is none.
INLINE int phase_tap(int taps_d, int all, long phase, int k) {
  const int d = taps_d == 1 ? 0 : k / 4 * 2 + (int)phase / 4, h = k / 2 % 2 * 2 + (int)phase / 2 % 2;
  const int w = k % 2 * 2 + (int)phase % 2;
  return d < all && h < all && w < all ? (d * all + h) * all + w : -1;
}

// f(m, taps along D, …) with both constant.
#undef OF_SHAPE
#define OF_SHAPE(f, ...)                     \
  {                                          \
    if (m == 5 && taps_d == 2) f(5, 2, __VA_ARGS__); \
    else if (m == 5) f(5, 1, __VA_ARGS__);   \
    else if (m == 4 && taps_d == 3) f(4, 3, __VA_ARGS__); \
    else if (m == 4) f(4, 1, __VA_ARGS__);   \
    else if (taps_d == 3) f(2, 3, __VA_ARGS__); \
    else f(2, 1, __VA_ARGS__);               \
  }

VOXCL_KERNEL(conv3d_winograd_grad_weight) {
  const int m = (int)DEFINE(M), taps_d = (int)DEFINE(KD), n = POINTS(m), frequencies = (taps_d == 1 ? 1 : n) * n * n;
  const int all = m == 5 ? (int)INTEGER(kH) : 3, taps_count = all * all * (taps_d == 1 ? 1 : all);
  const long phases = m != 5 ? 1 : taps_d > 1 ? 8 : 4;
  struct winograd_grad g = {.a_extent = {INTEGER(aD), INTEGER(aH), INTEGER(aW)},
                            .b_extent = {INTEGER(bD), INTEGER(bH), INTEGER(bW)},
                            .pad = {INTEGER(padD), INTEGER(padH), INTEGER(padW)}};
  const long batch = INTEGER(N), partitions = INTEGER(partitions), a_segments = DEFINE(A_SEGMENTS);
  inputs_of(&g.a, call, WORDS_END, DEFINE_SEGMENT0, 0, a_segments, batch);
  inputs_of(&g.b, call, WORDS_END, DEFINE_SEGMENT0, a_segments, DEFINE(SEGMENTS) - a_segments, batch);
  for (int i = 0; i < 3; i++) g.tiles[i] = over(g.b_extent[i], i == 0 && taps_d == 1 ? 1 : m);
  const long tiles = batch * g.tiles[0] * g.tiles[1] * g.tiles[2], in_set = DEFINE(TW), sets = over(tiles, in_set);
  float *b_sums = DEFINE(SUMS) ? OPERAND(float, sums) : 0;
  v16 *scratch = (v16 *)voxcl_scratch();
  g.rows = scratch;
  g.v = scratch + GRAD_V_AT;
  g.z = scratch + GRAD_Z_AT;
  g.sums = scratch + GRAD_SUMS_AT;
  const long units = g.a.blocks * phases;  // of A
  const long a_chunks = over(units, A_SHARE), b_chunks = over(g.b.blocks, B_SHARE);
  for (long visit = group; visit < partitions * a_chunks * b_chunks; visit += groups) {
    const long partition = visit / (a_chunks * b_chunks), a_first = visit / b_chunks % a_chunks * A_SHARE;
    const long b_first = visit % b_chunks * B_SHARE;
    const int a_count = (int)least(A_SHARE, units - a_first), b_count = (int)least(B_SHARE, g.b.blocks - b_first);
    const long from = partition * sets / partitions * in_set;
    const long to = least(tiles, (partition + 1) * sets / partitions * in_set);
    const long block_sums = (long)frequencies * B_SHARE * 16;
    memset(g.sums, 0, (size_t)(a_count * block_sums) * sizeof(v16));
    if (b_sums && a_first == 0)
      memset(b_sums + (partition * g.b.blocks + b_first) * 16, 0, (size_t)(b_count * 16) * sizeof(float));
    for (long first = from; first < to; first += GRAD_BATCH) {
      const long count = least(GRAD_BATCH, to - first), step = B_SHARE * GRAD_BATCH;
      for (int o = 0; o < b_count; o++) {
        float *sum = b_sums && a_first == 0 ? b_sums + (partition * g.b.blocks + b_first + o) * 16 : 0;
        OF_SHAPE(grad_transform, &g, 0, b_first + o, 0, first, count, g.z + o * GRAD_BATCH, step, sum)
      }
      for (int i = 0; i < a_count; i++) {
        const long unit = a_first + i;
        OF_SHAPE(grad_transform, &g, 1, unit / phases, unit % phases, first, count, g.v, GRAD_BATCH, 0)
        all_sums(&g, frequencies, g.a.lanes[unit / phases], b_count, count, g.sums + i * block_sums);
      }
    }
    for (int i = 0; i < a_count; i++)
      for (int o = 0; o < b_count; o++) {
        const long unit = a_first + i, block = unit / phases, phase = unit % phases;
        const long pair = (partition * g.a.blocks + block) * g.b.blocks + b_first + o;
        for (int lane = 0; lane < g.a.lanes[block]; lane++) {
          const v16 *sums = g.sums + i * block_sums + o * 16 + lane;
          v16 taps[27];
          OF_SHAPE(winograd_taps, sums, B_SHARE * 16, taps)
          for (int k = 0; k < (m == 5 ? 4 * taps_d : taps_count); k++) {
            const int at = m == 5 ? phase_tap(taps_d, all, phase, k) : k;
            if (at >= 0) store16(OPERAND(float, partials), (pair * taps_count + at) * 256 + lane * 16, taps[k], 0);
          }
        }
      }
  }
}
