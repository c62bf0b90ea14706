// Adds the partial weight gradients, in the order of partitions, to the canonical gradient
// (KernelCatalog.gradWeightReduce). A task is a pair of blocks; rows and lanes that do not exist are dropped.
#include "filter_taps.cl"

enum {
  WORD_gradient, WORD_partials,
  WORD_aSegments, WORD_aC0, WORD_aC1, WORD_aC2, WORD_aC3, WORD_bSegments, WORD_bC0, WORD_bC1, WORD_bC2,
  WORD_bC3, WORD_taps, WORD_partitions, WORD_strideA, WORD_strideB, WORD_groupA, WORD_groupB, WORD_groupShift
};

// Where a block's channels stand: first channel, counted without padding, and how many there are.
typedef struct { int first, lanes; } Channels;
static inline Channels channels_of(__global const long* counts, int segments, int block) {
  Channels r;
  r.first = r.lanes = 0;
  for (int s = 0; s < segments && r.lanes == 0; s++) {
    const int channels = (int)counts[s], blocks = (channels + 15) / 16;
    if (block < blocks) {
      r.first += block * 16;
      r.lanes = lanes_of(channels, block);
    } else {
      r.first += channels;
      block -= blocks;
    }
  }
  return r;
}
static inline int blocks_of(__global const long* counts, int segments) {
  int blocks = 0;
  for (int s = 0; s < segments; s++) blocks += ((int)counts[s] + 15) / 16;
  return blocks;
}

VOXCL_KERNEL(grad_weight_reduce) {
  VOXCL_BEGIN
  __global float* gradient = OPERAND(float, gradient);
  __global const float* partials = OPERAND(const float, partials);
  __global const long* aCounts = words + WORD_aC0;
  __global const long* bCounts = words + WORD_bC0;
  const int aSegments = (int)INTEGER(aSegments), bSegments = (int)INTEGER(bSegments);
  const int aBlocks = blocks_of(aCounts, aSegments), bBlocks = blocks_of(bCounts, bSegments);
  const long taps = INTEGER(taps), partitions = INTEGER(partitions), strideA = INTEGER(strideA);
  const bool isGrouped = INTEGER(groupA) < aBlocks * 16L || INTEGER(groupB) < bBlocks * 16L;
  const long strideB = INTEGER(strideB), partition = (long)aBlocks * bBlocks * taps * 256;

  const long tasks = (long)aBlocks * bBlocks;
  for (long task = group * tasks / groups; task < (group + 1) * tasks / groups; task++) {
    const Channels a = channels_of(aCounts, aSegments, (int)(task / bBlocks));
    const Channels b = channels_of(bCounts, bSegments, (int)(task % bBlocks));
    for (int i = 0; i < a.lanes; i++) {
      const long set = isGrouped ? (a.first + i) / INTEGER(groupA) : 0;  // what joins two groups of channels is no weight
      __global float* to = gradient + (a.first + i) * strideA + b.first * strideB - set * INTEGER(groupShift);
#ifdef TRANSPOSES
      if (taps == FILTER_TAPS && !isGrouped) {
        float16 lane[FILTER_TAPS];
        // The next pair's sums, and filters that the next lanes are added to.
#if defined(__x86_64__)
        for (int k = 0; k < FILTER_TAPS && task + 1 < tasks; k++)
          for (long r = 0; r < partitions; r++)
            __builtin_prefetch(
                (const void*)(size_t)(partials + r * partition + ((task + 1) * taps + k) * 256 + i * 16));
#endif
        fetch_filters(to + 3 * strideA, strideB);
        for (int k = 0; k < FILTER_TAPS; k++) {
          float16 sum = 0.0f;
          for (long r = 0; r < partitions; r++)
            sum += vload16(0, partials + r * partition + (task * taps + k) * 256 + i * 16);
          lane[k] = sum;
        }
        add_to_filters(lane, to, strideB, b.lanes);
        continue;
      }
#endif
      for (long k0 = 0; k0 < taps; k0 += 16) {
        const int count = (int)min(16L, taps - k0);
        float lane[16 * 16];  // [tap][16]
        for (int k = 0; k < count; k++) {
          float16 sum = 0.0f;
          for (long r = 0; r < partitions; r++)
            sum += vload16(0, partials + r * partition + (task * taps + k0 + k) * 256 + i * 16);
          vstore16(sum, k, lane);
        }
        for (int o = 0; o < b.lanes; o++)
          if (!isGrouped || (b.first + o) / INTEGER(groupB) == set)
            for (int k = 0; k < count; k++) to[o * strideB + k0 + k] += lane[k * 16 + o];
      }
    }
  }
}
