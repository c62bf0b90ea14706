// The chunks of a tensor: runs of chunkVoxels voxels of one (sample, channel block), in that order.
#pragma once

struct chunk {
  long n, block, voxel, count;
};
static inline struct chunk chunk_at(long tile, long blocks, long chunks, long chunk_voxels, long voxels) {
  const long first = tile % chunks * chunk_voxels;
  return (struct chunk){tile / chunks / blocks, tile / chunks % blocks, first,
      least(chunk_voxels, voxels - first)};
}
