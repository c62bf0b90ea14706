// 3×3×3 convolution of stride 1 by Winograd F(m³, 3³): a batch of tiles is transformed to (m+2)³ frequencies,
// each a product of weights and values (run.h with one tap), and transformed back. An F(4³) tile of 64
// outputs takes 216 products of a pair of channels where the direct way takes 1728. Stride 2, transposed or not: F(5³, 2³)
// of the phases (kernels/conv3d_winograd.cl).

#include "../segment.h"
#include "conv_geometry.h"
#include "conv_inputs.h"
#include "conv_output.h"
#include "run.h"
#include "winograd_matrices.h"
#include "winograd_transforms.h"
#include "winograd_inner.h"

#ifndef VOXCL_WINOGRAD_BODY_H
#define VOXCL_WINOGRAD_BODY_H
// Values and products of a batch, in floats; behind them in a thread's scratch the staged rows.
enum { BATCH_FLOATS = 720 << 10, ROWS_AT = BATCH_FLOATS };
enum { BATCH_LIMIT = 24 };  // tiles: 36 rows of two phases of 24·5 + 1 voxels fit behind, and one more
enum { WINOGRAD_BLOCKS = 200 };  // of the input, each phase counted; the loader refuses more

struct winograd {
  const struct voxcl_call *call;
  struct conv_inputs inputs;
  struct conv_output output;
  long in[3], out[3], pad[3], tiles[3], samples, batch;
  long in_phases, out_phases, blocks;  // blocks: of all phases
  int lanes[WINOGRAD_BLOCKS];
  int output_blocks;
  float *values, *products;
  v16 *inner;  // weights are transformed there; null: they come transformed
  float *statistics;  // mean and M2 of each tile; null: not asked for
  v16 *rows;
};
#define winograd_output VOXCL_NAME(winograd_output)
#define winograd_visit VOXCL_NAME(winograd_visit)
#define winograd_stage VOXCL_NAME(winograd_stage)
#define winograd_store_phase VOXCL_NAME(winograd_store_phase)
#endif

// Frequencies `step` apart to one tile's m³ outputs, in place of `x`.
INLINE void winograd_output(const int M, const int TAPS_D, const v16 *from, long step, v16 *y) {
  const int n = POINTS(M);
  const float *matrix = M == 5 ? winograd_output_5[0] : M == 4 ? winograd_output_4[0] : winograd_output_2[0];
  v16 x[5 * 36], z[5 * 5 * 6];
  for (int hw = 0; hw < n * n; hw++) {
    if (TAPS_D == 1) x[hw] = from[hw * step];
    else transform_line(M, n, matrix, from + hw * step, n * n * step, x + hw, n * n);
  }
  for (int d = 0; d < (TAPS_D == 1 ? 1 : M); d++) {
    for (int w = 0; w < n; w++) transform_line(M, n, matrix, x + d * n * n + w, n, z + d * M * n + w, n);
    for (int h = 0; h < M; h++) transform_line(M, n, matrix, z + (d * M + h) * n, 1, y + (d * M + h) * M, 1);
  }
}

// `stretch` tiles of one row, from tile `at` of sample n on, to values[frequency][block, phase][count].
INLINE void winograd_stage(const int M, const int TAPS_D, const struct winograd *g, long n, long at, long stretch,
    v16 *values, long count) {
  const int size = POINTS(M), size_d = TAPS_D == 1 ? 1 : size, depth = TAPS_D == 1 ? 1 : M;
  const long step = g->in_phases > 1 ? 2 : 1, plane = stretch * M + AXIS_TAPS(M) - 1, row = plane * step;
  long low[3] = {at / g->tiles[2] / g->tiles[1] * depth, at / g->tiles[2] % g->tiles[1] * M, at % g->tiles[2] * M};
  for (int i = TAPS_D == 1 ? 1 : 0; i < 3; i++) low[i] = g->out_phases > 1 ? low[i] - 1 : low[i] * step - g->pad[i];
  if (TAPS_D == 1) low[0] -= g->pad[0];
  for (long visit = 0; visit < g->inputs.blocks * (g->in_phases / step); visit++) {  // a block's phases along D and H
    const long block = visit / (g->in_phases / step), phase = visit % (g->in_phases / step);
    const struct stage_box box = {.n = n, .low = {low[0] + phase / 2, low[1] + phase % 2, low[2]},
                                  .size = {size_d, size, row}, .extent = {g->in[0], g->in[1], g->in[2]},
                                  .step = step, .plane = plane, .lines = step};
    stage_block(&g->inputs, block, &box, g->rows, g->rows + size_d * size * row);
    for (long i = 0; i < step; i++)
      for (long t = 0; t < stretch; t++)
        winograd_input(M, TAPS_D, g->rows + i * plane + t * M, size * row, row, values + (visit * step + i) * count + t,
            g->blocks * count);
  }
}

// A tile's cells from (d, h, w) on as one phase of a transposed convolution's output.
HELPER void winograd_store_phase(const struct winograd *g, int has_depth, const v16 *y, long n, long block, long phase,
    long d, long h, long w) {
  const long first = 2 * w + phase % 2 - g->pad[2], from = first < 0, out_w = first + 2 * from;
  for (long i = 0; i < (has_depth ? 5 : 1); i++)
    for (long j = 0; j < 5; j++) {
      const long out_d = has_depth ? 2 * (d + i) + phase / 4 - g->pad[0] : d;
      const long out_h = 2 * (h + j) + phase / 2 % 2 - g->pad[1];
      if (out_d < 0 || out_d >= g->out[0] || out_h < 0 || out_h >= g->out[1]) continue;
      conv_store(&g->output, y + (i * 5 + j) * 5 + from, n, block, (out_d * g->out[1] + out_h) * g->out[2] + out_w, 2,
          least(5 - from, over(most(0, g->out[2] - out_w), 2)));
    }
}

// Tiles [first, first + count) of sample n (in D, H, W order) for groups of output blocks [from, to).
INLINE void winograd_visit(const int M, const int TAPS_D, struct winograd *g, long n, long first, long count, long from,
    long to) {
  const struct voxcl_call *call = g->call;
  const int size = POINTS(M), size_d = TAPS_D == 1 ? 1 : size, depth = TAPS_D == 1 ? 1 : M;
  const long blocks = g->blocks, OB = g->output_blocks, phase_groups = over(g->output.blocks, OB);
  const long out_groups = phase_groups * g->out_phases;
  v16 *values = (v16 *)g->values, *products = (v16 *)g->products;
  for (long at = first; at < first + count;) {  // a stretch of tiles along one row
    const long stretch = least(g->tiles[2] - at % g->tiles[2], first + count - at);
    winograd_stage(M, TAPS_D, g, n, at, stretch, values + at - first, count);
    at += stretch;
  }
  static const long no_offset[1] = {0};
  const long runs = over(count, longest_run()), length = over(count, runs);
  const long chain = g->inner ? INNER_CHAIN : most(1, blocks);
  for (long group = from; group < to; group++) {
    for (long visit = 0; visit < size_d * size * over(blocks, chain); visit++) {  // rows of frequencies
      const long row = visit / over(blocks, chain), low = visit % over(blocks, chain) * chain;
      const long high = least(blocks, low + chain);
      if (g->inner)
        inner_weights(M, TAPS_D, (const v16 *)OPERAND(float, weights) + group * blocks * 9 * TAPS_D * 16 * OB, blocks,
            16 * OB, row, low, high, g->inner);
      for (long f = row * size; f < (row + 1) * size; f++) {
        const float *weights = g->inner ? (const float *)(g->inner + (f - row * size) * INNER_CHAIN * 16 * OB)
                                        : OPERAND(float, weights) + (f * out_groups + group) * blocks * 256 * OB;
        for (long t = 0; t < count; t += length) {
          const long run_count = least(length, count - t);
          const struct run run = {.input = (const float *)(values + (f * blocks + low) * count + t),
              .input_block = count * 16, .offsets = no_offset, .taps = 1, .lanes = g->lanes + low,
              .blocks = high - low, .weights = weights, .weights_block = 256 * OB};
          v16 sums[MAX_OUTPUT_BLOCKS * RUN_LIMIT];
          memset(sums, 0, (size_t)(run_count * OB) * sizeof(v16));
          for (long o = 0; low > 0 && o < OB; o++)
            memcpy(sums + o * run_count, products + (f * OB + o) * count + t, (size_t)run_count * sizeof(v16));
          run_voxels(run_count, (int)OB, &run, sums);
          for (long o = 0; o < OB; o++)
            memcpy(products + (f * OB + o) * count + t, sums + o * run_count, (size_t)run_count * sizeof(v16));
        }
      }
    }
    const long first_block = group % phase_groups * OB;
    for (long o = 0; o < OB && first_block + o < g->output.blocks; o++) {
      for (long t = 0; t < count; t++) {
        v16 y[125];
        winograd_output(M, TAPS_D, products + o * count + t, OB * count, y);
        const long tile = first + t, w = tile % g->tiles[2] * M, h = tile / g->tiles[2] % g->tiles[1] * M;
        const long d = tile / g->tiles[2] / g->tiles[1] * depth;
        const long size[3] = {least(depth, g->out[0] - d), least(M, g->out[1] - h), least(M, g->out[2] - w)};
        const long block = first_block + o, voxel = (d * g->out[1] + h) * g->out[2] + w;
        if (g->out_phases > 1) {
          winograd_store_phase(g, TAPS_D > 1, y, n, block, group / phase_groups, d, h, w);
          continue;
        }
        for (long i = 0; i < size[0]; i++)
          for (long j = 0; j < size[1]; j++)
            conv_store(&g->output, y + (i * M + j) * M, n, block, voxel + (i * g->out[1] + j) * g->out[2], 1, size[2]);
        const long plane = n * g->output.blocks + block, tiles = g->tiles[0] * g->tiles[1] * g->tiles[2];
        if (g->statistics)
          conv_statistics(&g->output, plane * g->output.voxels + voxel, size, g->out[1], g->out[2],
              g->statistics + (plane * tiles + tile) * 32);
      }
    }
  }
}

VOXCL_KERNEL(conv3d_winograd) {
  const int m = (int)DEFINE(M);
  struct winograd g = {.call = call, .output = CONV_OUTPUT, .samples = INTEGER(N),
      .output_blocks = (int)DEFINE(OB), .statistics = DEFINE(STATISTICS) ? OPERAND(float, tiles) : 0,
                       .in = {INTEGER(inD), INTEGER(inH), INTEGER(inW)},
                       .out = {INTEGER(outD), INTEGER(outH), INTEGER(outW)},
                       .pad = {INTEGER(padD), INTEGER(padH), INTEGER(padW)}};
  inputs_of(&g.inputs, call, WORDS_END, DEFINE_SEGMENT0, 0, DEFINE(SEGMENTS), g.samples);
  const int taps_d = (int)DEFINE(KD), transposed = (int)DEFINE(TRANSPOSED);
  const long phases = m != 5 ? 1 : taps_d > 1 ? 8 : 4;
  g.in_phases = transposed ? 1 : phases;
  g.out_phases = transposed ? phases : 1;
  g.blocks = g.inputs.blocks * g.in_phases;
  for (long i = 0; i < g.blocks; i++) g.lanes[i] = g.inputs.lanes[i / g.in_phases];
  for (int i = 0; i < 3; i++) {
    const int cut = i > 0 || taps_d > 1;
    g.tiles[i] = over(cut && g.out_phases > 1 ? (g.out[i] + g.pad[i] + 1) / 2 : g.out[i], cut ? m : 1);
  }
  const long n = POINTS(m), frequencies = (taps_d == 1 ? 1 : n) * n * n, OB = g.output_blocks;
  const long tile_floats = frequencies * (g.blocks + OB) * 16, limit = longest_run();
  const long tiles = g.tiles[0] * g.tiles[1] * g.tiles[2], out_groups = over(g.output.blocks, OB) * g.out_phases;
  // Two blocks in and out: twelve F(4³) tiles are 650 KiB. Larger batches reuse weights, but leave the L2.
  const long fitting = most(1, least(BATCH_LIMIT, BATCH_FLOATS / tile_floats));
  g.batch = least(fitting, most(limit, (160 << 10) / tile_floats / limit * limit));
  g.batch = over(tiles, over(tiles, g.batch));
  const long batches = over(tiles, g.batch);
  const long chunk = most(1, least(out_groups, g.samples * batches * out_groups / (4 * groups)));
  const long chunks = over(out_groups, chunk);
  float *scratch = voxcl_scratch(), *slot = OPERAND(float, slots);
  const long inner_floats = DEFINE(INNER) ? inner_vectors(m, g.inputs.blocks, 16 * OB) * 16 : 0;
  const long slot_floats = INTEGER(slotFloats) - inner_floats;
  if (slot) slot += group * INTEGER(slotFloats);
  g.values = slot && g.batch * tile_floats <= slot_floats ? slot : scratch;
  g.inner = inner_floats ? (v16 *)(slot + slot_floats) : 0;
  g.products = g.values + frequencies * g.blocks * g.batch * 16;
  g.rows = (v16 *)(scratch + ROWS_AT);
  for (long visit = group; visit < g.samples * batches * chunks; visit += groups) {
    const long sample = visit / chunks / batches, first = visit / chunks % batches * g.batch;
    const long from = visit % chunks * chunk, to = least(out_groups, from + chunk);
    const long count = least(g.batch, tiles - first);
    if (m == 5 && taps_d == 2) winograd_visit(5, 2, &g, sample, first, count, from, to);
    else if (m == 5) winograd_visit(5, 1, &g, sample, first, count, from, to);
    else if (m == 4 && taps_d == 3) winograd_visit(4, 3, &g, sample, first, count, from, to);
    else if (m == 4) winograd_visit(4, 1, &g, sample, first, count, from, to);
    else if (taps_d == 3) winograd_visit(2, 3, &g, sample, first, count, from, to);
    else winograd_visit(2, 1, &g, sample, first, count, from, to);
  }
}
