// The geometry of a direct convolution and of its transpose, as one: lattice positions q along an axis
// read input q·step + first … + taps and write output q·out_step + residue, once for each phase.
// Shared by all instruction sets.
#pragma once

struct axis {
  long in, out, kernel, stride, pad, dilation;
  long step, out_step, phases, positions;  // positions: q of all phases
  long low, reach;  // a tile from q on reads [q·step + low, … + (tile − 1)·step + reach)
};
// Position q reads input q·axis.step + first + j·step with canonical tap base + (taps − 1 − j)·order, j < taps.
struct phase_axis {
  long taps, first, residue, step, base, order;
};

// Transposed: output q·stride + r takes the canonical taps k with k·dilation ≡ r + pad modulo the stride, from
// inputs q + (r + pad − k·dilation)/stride.
static inline struct phase_axis phase_of(const struct axis *a, int transposed, long residue) {
  if (!transposed) return (struct phase_axis){a->kernel, -a->pad, 0, a->dilation, a->kernel - 1, -1};
  struct phase_axis p = {.residue = residue};
  long taken[2] = {0, 0};
  for (long k = 0; k < a->kernel; k++) {
    if ((k * a->dilation - residue - a->pad) % a->stride) continue;
    if (p.taps < 2) taken[p.taps] = k;
    p.taps++;
    p.first = (residue + a->pad - k * a->dilation) / a->stride;
  }
  p.base = taken[0];
  p.order = p.taps > 1 ? taken[1] - taken[0] : 1;
  p.step = p.taps > 1 ? p.order * a->dilation / a->stride : 1;
  return p;
}
static inline long canonical_tap(const struct phase_axis *p, long j) { return p->base + (p->taps - 1 - j) * p->order; }

static inline struct axis axis_of(int transposed, long in, long out, long kernel, long stride, long pad,
                                  long dilation) {
  struct axis a = {in, out, kernel, stride, pad, dilation, transposed ? 1 : stride, transposed ? stride : 1,
                   transposed ? stride : 1, transposed ? over(out, stride) : out, 0, 1};
  long low = 1L << 40, high = -(1L << 40);
  for (long r = 0; r < a.phases; r++) {
    const struct phase_axis p = phase_of(&a, transposed, r);
    if (!p.taps) continue;
    low = least(low, p.first);
    high = most(high, p.first + (p.taps - 1) * p.step + 1);
  }
  if (low < high) a.low = low, a.reach = high - low;
  return a;
}

// Positions q of [first, first + count) whose output exists in this phase.
static inline long positions_of(const struct axis *a, const struct phase_axis *p, long first, long count) {
  return least(count, most(0, over(a->out - p->residue, a->out_step) - first));
}

// How the launch cuts the lattice. The result does not depend on it.
struct tiling {
  long extent[3], tiles[3];       // lattice positions of a tile along D, H, W
  long staged[3], plane, row;     // staged voxels; W is stored as `step` planes of `plane` voxels
  long range;                     // input blocks staged at once
  long group_chunk, group_chunks; // output-block groups of a tile's visit
};

static inline void measure(struct tiling *t, const struct axis *axes) {
  for (int i = 0; i < 3; i++) {
    t->tiles[i] = over(axes[i].positions, t->extent[i]);
    t->staged[i] = (t->extent[i] - 1) * axes[i].step + axes[i].reach;
  }
  t->plane = over(t->staged[2], axes[2].step);
  t->row = t->plane * axes[2].step;
}
static inline long staged_floats(const struct tiling *t) { return t->staged[0] * t->staged[1] * t->row * 16; }

// Grows W, then H and D in turn, while the staged input fits `budget` floats and the launch keeps `wanted`
// tiles.
static inline struct tiling tiling_of(const struct axis *axes, long samples, long blocks,
    long groups_of_blocks,
                                      long run, long budget, long wanted) {
  struct tiling t = {.extent = {1, 1, least(run, axes[2].positions)}};
  measure(&t, axes);
  while (t.extent[2] > 1 && staged_floats(&t) * blocks > budget) {
    t.extent[2] = over(t.extent[2], 2);
    measure(&t, axes);
  }
  t.range = most(1, least(blocks, budget / staged_floats(&t)));
  int grew = 1;
  static const int order[3] = {2, 1, 0};
  while (grew) {
    grew = 0;
    for (int i = 0; i < 3; i++) {
      struct tiling larger = t;
      const int axis = order[i];
      const long limit = axis == 2 ? 96 : 8;
      if (t.extent[axis] >= least(limit, axes[axis].positions)) continue;
      larger.extent[axis] = least(least(limit, axes[axis].positions), t.extent[axis] * 2);
      measure(&larger, axes);
      const long visits = larger.tiles[0] * larger.tiles[1] * larger.tiles[2] * samples * groups_of_blocks;
      if (staged_floats(&larger) * t.range > budget || visits < wanted) continue;
      t = larger;
      grew = 1;
    }
  }
  // Equal tiles rather than a short last one; W in whole runs where there are several.
  for (int i = 0; i < 3; i++) t.extent[i] = over(axes[i].positions, t.tiles[i]);
  if (t.tiles[2] > 1) t.extent[2] = least(96, over(t.extent[2], run) * run);
  measure(&t, axes);
  t.range = most(1, least(blocks, budget / staged_floats(&t)));
  const long tiles = t.tiles[0] * t.tiles[1] * t.tiles[2] * samples;
  t.group_chunk = most(1, least(groups_of_blocks, tiles * groups_of_blocks / wanted));
  t.group_chunks = over(groups_of_blocks, t.group_chunk);
  return t;
}
