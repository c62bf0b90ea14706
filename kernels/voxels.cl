// What kernels that go voxel by voxel share: a channel block of a stored tensor, and of a lazy value.
#include "transpose.cl"

// Channel block `block` of sample n at a voxel; lanes that do not exist are 0 where planar.
static inline float16 block_at(__global const uchar* from, const int planar, const int half_stored, long n,
                               int channels, int block, long voxels, long voxel) {
  if (!planar)
    return load16(from, ((n * ((channels + 15) / 16) + block) * voxels + voxel) * 16, half_stored);
  const int lanes = lanes_of(channels, block);
  float lane[16];
  for (int c = 0; c < 16; c++)
    lane[c] = c < lanes ? load1(from, (n * channels + 16 * block + c) * voxels + voxel, half_stored) : 0.0f;
  return vload16(0, lane);
}

// The reverse: lanes that do not exist are stored as 0 (blocked) or not at all.
static inline void put_block(__global uchar* to, const int planar, const int half_stored, const int accumulate,
                             long n, int channels, int block, long voxels, long voxel, float16 v) {
  const int lanes = lanes_of(channels, block);
  if (accumulate) v += block_at(to, planar, half_stored, n, channels, block, voxels, voxel);
  if (!planar) {
    v = select((float16)0.0f, v, LANE_IDS < lanes);
    store16(to, ((n * ((channels + 15) / 16) + block) * voxels + voxel) * 16, v, half_stored);
    return;
  }
  float lane[16];
  vstore16(v, 0, lane);
  for (int c = 0; c < lanes; c++)
    store1(to, (n * channels + 16 * block + c) * voxels + voxel, lane[c], half_stored);
}

// A segment's value at a voxel of the consumer's input. `source` holds what all voxels of the block share.
static inline float16 mapped_at(const Arenas* arenas, __global const long* s, const int flags,
                                const Source* source, long batch, long n, int block, long d, long h, long w) {
  if (SEGMENT_MAP(flags) == 2) return segment_value(arenas, s, flags, batch, n, block, d, h, w);
  if (SEGMENT_MAP(flags) == 1) d /= s[SEG_factorD], h /= s[SEG_factorH], w /= s[SEG_factorW];
  else d += s[SEG_cropD], h += s[SEG_cropH], w += s[SEG_cropW];
  return source_at(source, flags, (d * source->H + h) * source->W + w);
}

// A row of a lazy value from column w on: a stored voxel serves `factor` columns where the map is nearest.
typedef struct { long voxel; int factor, left; } Walk;
static inline Walk walk_of(__global const long* s, const int flags, const Source* source, long d, long h, long w) {
  if (SEGMENT_MAP(flags) != 1)
    return (Walk){((d + s[SEG_cropD]) * source->H + h + s[SEG_cropH]) * source->W + w + s[SEG_cropW], 1, 1};
  const int factor = (int)s[SEG_factorW];
  const long row = (d / s[SEG_factorD] * source->H + h / s[SEG_factorH]) * source->W;
  return (Walk){row + w / factor, factor, factor - (int)(w % factor)};
}
// The value at column w, where the walk stands, and a step on.
static inline float16 walked_at(const Arenas* arenas, __global const long* s, const int flags, const Source* source,
                                Walk* walk, long batch, long n, int block, long d, long h, long w) {
  if (SEGMENT_MAP(flags) == 2) return segment_value(arenas, s, flags, batch, n, block, d, h, w);
  const float16 v = source_at(source, flags, walk->voxel);
  if (--walk->left == 0) walk->left = walk->factor, walk->voxel++;
  return v;
}

// A group's rows: (sample, channel block, d, h) of a tensor.
typedef struct { long n, d, h; int block; } VoxelRow;
static inline VoxelRow voxel_row(long row, int blocks, long depth, long height) {
  const long plane = row / (height * depth);
  return (VoxelRow){plane / blocks, row / height % depth, row % height, (int)(plane % blocks)};
}
