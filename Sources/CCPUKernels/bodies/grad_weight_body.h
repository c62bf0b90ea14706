// Weight gradient: a visit takes one partition, one block of A and up to B_CHUNK blocks of B, stages tiles
// of both, and for each tap sums A's lane times B's lanes in 16 × 16 registers over the tile's voxels.
// Tiles are a function of the shape alone; their sums are added in order, so the result is too.

#include "../segment.h"
#include "conv_geometry.h"
#include "conv_inputs.h"

#ifndef VOXCL_GRAD_WEIGHT_BODY_H
#define VOXCL_GRAD_WEIGHT_BODY_H
enum { B_CHUNK = 4 };
enum { GRAD_STAGE_FLOATS = 160 << 10, GRAD_ROW = 2048 };  // in floats; in voxels
enum { GRAD_A_AT = 0, GRAD_B_AT = 3 << 18, GRAD_SPARE_AT = 15 << 16 };  // in a thread's scratch

struct grad {
  const struct voxcl_call *call;
  struct conv_inputs a, b;
  struct axis axes[3];  // in: A's extents, out: B's
  struct tiling tiling; // extents of B's tile; A staged
  long b_floats;        // of one staged block of B
  float *staged_a, *staged_b;
  v16 *spare;
};
struct grad_tile {
  long n, first[3], count[3];
};
#define outer_products VOXCL_NAME(outer_products)
#define tile_gradient VOXCL_NAME(tile_gradient)
#define grad_stage VOXCL_NAME(grad_stage)
#define add_tile VOXCL_NAME(add_tile)
#define grad_tiling VOXCL_NAME(grad_tiling)
#define GRAD_ROWS VOXCL_NAME(GRAD_ROWS)
#endif

// Rows of the 16 × 16 product that fit the registers.
enum { GRAD_ROWS = VOXCL_LEVEL == 2 ? 16 : VOXCL_LEVEL == 1 ? 4 : 2 };

// sums[i] += Σ over the tile of a[voxel + tap][i] · b[voxel][0 … 16), for ROWS lanes i of A.
INLINE void outer_products(const int ROWS, const struct grad *g, const struct grad_tile *tile, const float *a,
                           const float *b, float *sums) {
  const struct tiling *t = &g->tiling;
  v16 s[16];
#pragma clang loop unroll(full)
  for (int i = 0; i < ROWS; i++) s[i] = splat16(0);
  for (long d = 0; d < tile->count[0]; d++) {
    for (long h = 0; h < tile->count[1]; h++) {
      const float *x = a + (d * g->axes[0].stride * t->staged[1] + h * g->axes[1].stride) * t->row * 16;
      const float *y = b + (d * t->extent[1] + h) * t->extent[2] * 16;
      for (long w = 0; w < tile->count[2]; w++, x += 16, y += 16) {
        const v16 lanes = load16(y, 0, 0);
#pragma clang loop unroll(full)
        for (int i = 0; i < ROWS; i++) s[i] += splat16(x[i]) * lanes;
      }
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < ROWS; i++) store16(sums, 16 * i, load16(sums, 16 * i, 0) + s[i], 0);
}

// All taps of one pair of staged blocks: sums[tap][16][16].
HELPER void tile_gradient(const struct grad *g, const struct grad_tile *tile, int lanes, const float *b,
    float *sums) {
  const struct tiling *t = &g->tiling;
  const long step = g->axes[2].stride;
  for (long d = 0; d < g->axes[0].kernel; d++)
    for (long h = 0; h < g->axes[1].kernel; h++)
      for (long w = 0; w < g->axes[2].kernel; w++, sums += 256) {
        const long row = d * g->axes[0].dilation * t->staged[1] + h * g->axes[1].dilation;
        const long column = w * g->axes[2].dilation;
        const long voxel = row * t->row + column % step * t->plane + column / step;
        const float *a = g->staged_a + voxel * 16;
        for (int i = 0; i < lanes;) {
          const int left = lanes - i;
          float *to = sums + 16 * i;
          if (left > 8 && GRAD_ROWS >= 16) outer_products(16, g, tile, a + i, b, to), i += 16;
          else if (left > 4 && GRAD_ROWS >= 8) outer_products(8, g, tile, a + i, b, to), i += 8;
          else if (left > 2 && GRAD_ROWS >= 4) outer_products(4, g, tile, a + i, b, to), i += 4;
          else if (left > 1) outer_products(2, g, tile, a + i, b, to), i += 2;
          else outer_products(1, g, tile, a + i, b, to), i += 1;
        }
      }
}

// to += Σ of a staged block of B over the tile's voxels.
HELPER void add_tile(const struct grad *g, const struct grad_tile *tile, const float *b, float *to) {
  const struct tiling *t = &g->tiling;
  v16 sum = splat16(0);
  for (long d = 0; d < tile->count[0]; d++)
    for (long h = 0; h < tile->count[1]; h++)
      for (long w = 0; w < tile->count[2]; w++)
        sum += load16(b, ((d * t->extent[1] + h) * t->extent[2] + w) * 16, 0);
  store16(to, 0, load16(to, 0, 0) + sum, 0);
}

HELPER void grad_stage(struct grad *g, const struct grad_tile *tile, long a_block, long b_first,
    long b_count) {
  const struct tiling *t = &g->tiling;
  struct stage_box a = {.n = tile->n, .step = g->axes[2].stride, .plane = t->plane};
  struct stage_box b = {.n = tile->n, .step = 1, .plane = t->extent[2]};
  for (int i = 0; i < 3; i++) {
    a.low[i] = tile->first[i] * g->axes[i].stride - g->axes[i].pad;
    a.size[i] = t->staged[i];
    a.extent[i] = g->axes[i].in;
    b.low[i] = tile->first[i];
    b.size[i] = t->extent[i];
    b.extent[i] = g->axes[i].out;
  }
  stage_block(&g->a, a_block, &a, (v16 *)g->staged_a, g->spare);
  for (long i = 0; i < b_count; i++)
    stage_block(&g->b, b_first + i, &b, (v16 *)(g->staged_b + i * g->b_floats), g->spare);
}

// Whole rows of W where they fit, then as many rows and depths as the budget holds.
HELPER void grad_tiling(struct grad *g, long rows_per_partition) {
  struct tiling *t = &g->tiling;
  *t = (struct tiling){.extent = {1, 1, g->axes[2].out}};
  measure(t, g->axes);
  while (t->extent[2] > 1 && (staged_floats(t) > GRAD_STAGE_FLOATS || t->staged[2] > GRAD_ROW)) {
    t->extent[2] = over(t->extent[2], 2);
    measure(t, g->axes);
  }
  const long limit[3] = {least(8, most(1, rows_per_partition)), g->axes[1].out, 0};
  for (int grew = 1; grew;) {
    grew = 0;
    for (int i = 1; i >= 0; i--) {
      struct tiling larger = *t;
      larger.extent[i] = least(2 * t->extent[i], least(limit[i], g->axes[i].out));
      measure(&larger, g->axes);
      const long b_floats = larger.extent[0] * larger.extent[1] * larger.extent[2] * 16 * B_CHUNK;
      if (larger.extent[i] == t->extent[i] || staged_floats(&larger) > GRAD_STAGE_FLOATS) continue;
      if (b_floats > GRAD_STAGE_FLOATS || larger.extent[1] > 16) continue;
      *t = larger;
      grew = 1;
    }
  }
  g->b_floats = t->extent[0] * t->extent[1] * t->extent[2] * 16;
}

VOXCL_KERNEL(conv3d_grad_weight) {
  struct grad g = {.call = call};
  const long batch = INTEGER(N), partitions = INTEGER(partitions), a_segments = DEFINE(A_SEGMENTS);
  inputs_of(&g.a, call, WORDS_END, DEFINE_SEGMENT0, 0, a_segments, batch);
  inputs_of(&g.b, call, WORDS_END, DEFINE_SEGMENT0, a_segments, DEFINE(SEGMENTS) - a_segments, batch);
  g.axes[0] = axis_of(0, INTEGER(aD), INTEGER(bD), INTEGER(kD), INTEGER(strideD), INTEGER(padD),
                      INTEGER(dilD));
  g.axes[1] = axis_of(0, INTEGER(aH), INTEGER(bH), INTEGER(kH), INTEGER(strideH), INTEGER(padH),
                      INTEGER(dilH));
  g.axes[2] = axis_of(0, INTEGER(aW), INTEGER(bW), INTEGER(kW), INTEGER(strideW), INTEGER(padW),
                      INTEGER(dilW));
  const long depth = g.axes[0].out, rows = batch * depth;
  grad_tiling(&g, rows / partitions);
  const struct tiling *t = &g.tiling;
  float *scratch = voxcl_scratch();
  g.staged_a = scratch + GRAD_A_AT;
  g.staged_b = scratch + GRAD_B_AT;
  g.spare = (v16 *)(scratch + GRAD_SPARE_AT);
  const long needed = staged_floats(t) + B_CHUNK * g.b_floats;
  if (OPERAND(float, slots) && needed <= INTEGER(slotFloats)) {
    g.staged_a = OPERAND(float, slots) + group * INTEGER(slotFloats);
    g.staged_b = g.staged_a + staged_floats(t);
  }
  const long tap_floats = g.axes[0].kernel * g.axes[1].kernel * g.axes[2].kernel * 256;
  const long chunks = over(g.b.blocks, B_CHUNK);
  float *b_sums = DEFINE(SUMS) ? OPERAND(float, sums) : 0;
  for (long visit = group; visit < partitions * g.a.blocks * chunks; visit += groups) {
    const long partition = visit / (g.a.blocks * chunks), a_block = visit / chunks % g.a.blocks;
    const long b_first = visit % chunks * B_CHUNK, b_count = least(B_CHUNK, g.b.blocks - b_first);
    const long pair = (partition * g.a.blocks + a_block) * g.b.blocks + b_first;
    float *sums = OPERAND(float, partials) + pair * tap_floats;
    memset(sums, 0, (size_t)(b_count * tap_floats) * sizeof(float));
    if (b_sums && a_block == 0)
      memset(b_sums + (partition * g.b.blocks + b_first) * 16, 0, (size_t)(b_count * 16) * sizeof(float));
    const long end = (partition + 1) * rows / partitions;
    for (long row = partition * rows / partitions; row < end;) {
      struct grad_tile tile = {.n = row / depth};
      tile.first[0] = row % depth;
      tile.count[0] = least(t->extent[0], least(end - row, depth - tile.first[0]));
      for (tile.first[1] = 0; tile.first[1] < g.axes[1].out; tile.first[1] += t->extent[1]) {
        tile.count[1] = least(t->extent[1], g.axes[1].out - tile.first[1]);
        for (tile.first[2] = 0; tile.first[2] < g.axes[2].out; tile.first[2] += t->extent[2]) {
          tile.count[2] = least(t->extent[2], g.axes[2].out - tile.first[2]);
          grad_stage(&g, &tile, a_block, b_first, b_count);
          for (long i = 0; i < b_count && b_sums && a_block == 0; i++)
            add_tile(&g, &tile, g.staged_b + i * g.b_floats, b_sums + (partition * g.b.blocks + b_first + i) * 16);
          for (long i = 0; i < b_count; i++)
            tile_gradient(&g, &tile, g.a.lanes[a_block], g.staged_b + i * g.b_floats, sums + i * tap_floats);
        }
      }
      row += tile.count[0];
    }
  }
}
