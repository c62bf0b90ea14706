// Canonical fp32 weights to the order in which convolutions read taps (KernelCatalog.packWeights):
// packed[phase][⌈outBlocks/OB⌉][inBlock][tap][16 i][OB][16 o]. One task is an (output group, input block).
#include "filter_taps.cl"

enum {
  WORD_packed, WORD_weights,
  WORD_segments, WORD_segmentC0, WORD_segmentC1, WORD_segmentC2, WORD_segmentC3, WORD_outC, WORD_strideIn,
  WORD_strideOut, WORD_kD, WORD_kH, WORD_kW, WORD_strideD, WORD_strideH, WORD_strideW, WORD_padD, WORD_padH,
  WORD_padW, WORD_dilD, WORD_dilH, WORD_dilW, WORD_groupIn, WORD_groupOut, WORD_firstOut, WORD_groupShift,
  WORD_transposed, WORD_outputBlocks
};

// Canonical taps of a phase along one axis: tap j of n is last + (n − 1 − j)·step; plain: j.
typedef struct { int taps, last, step; } Order;
static inline Order order_of(int k, int stride, int pad, int dilation, int r, bool transposed) {
  Order a = {k, k - 1, -1};
  if (transposed) {
    int previous = 0;
    a.taps = 0, a.step = 1;
    for (int tap = 0; tap < k; tap++) {
      if ((tap * dilation - r - pad) % stride) continue;
      if (a.taps == 0) a.last = tap;
      else a.step = tap - previous;
      previous = tap;
      a.taps++;
    }
  }
  return a;
}
static inline int canonical(Order a, int j) { return a.last + (a.taps - 1 - j) * a.step; }

#define AHEAD 3  // channels of the input, as memory takes longer than three of them

VOXCL_KERNEL(pack_weights) {
  VOXCL_BEGIN
  const int segments = (int)INTEGER(segments), outC = (int)INTEGER(outC);
  const int kD = (int)INTEGER(kD), kH = (int)INTEGER(kH), kW = (int)INTEGER(kW);
  const int OB = (int)INTEGER(outputBlocks);
  const bool transposed = INTEGER(transposed) != 0;
  const int outGroups = ((outC + 15) / 16 + OB - 1) / OB;
  const long strideIn = INTEGER(strideIn), strideOut = INTEGER(strideOut);
  int inBlocks = 0, inC = 0;
  for (int s = 0; s < segments; s++) {
    inBlocks += ((int)words[WORD_segmentC0 + s] + 15) / 16;
    inC += (int)words[WORD_segmentC0 + s];
  }
  __global const float* weights = OPERAND(const float, weights);
  const bool isGrouped = INTEGER(groupIn) < inC || INTEGER(groupOut) < outC || INTEGER(firstOut) > 0;
  const int residuesD = transposed ? (int)INTEGER(strideD) : 1,
      residuesH = transposed ? (int)INTEGER(strideH) : 1;
  const int residuesW = transposed ? (int)INTEGER(strideW) : 1;

  const long tasks = (long)outGroups * inBlocks;
  for (long task = group * tasks / groups; task < (group + 1) * tasks / groups; task++) {
    const int og = (int)(task / inBlocks), inBlock = (int)(task % inBlocks);
    int block = inBlock, first = 0, lanes = 0;  // first channel of the block, and how many it has
    for (int s = 0; s < segments && lanes == 0; s++) {
      const int channels = (int)words[WORD_segmentC0 + s], blocks = (channels + 15) / 16;
      if (block < blocks) {
        first += block * 16;
        lanes = lanes_of(channels, block);
      } else {
        first += channels;
        block -= blocks;
      }
    }
    __global float* phaseStart = OPERAND(float, packed);
    for (int phase = 0; phase < residuesD * residuesH * residuesW; phase++) {
      const Order a = order_of(kD, (int)INTEGER(strideD), (int)INTEGER(padD),
                               (int)INTEGER(dilD), phase / residuesW / residuesH, transposed);
      const Order b = order_of(kH, (int)INTEGER(strideH), (int)INTEGER(padH),
                               (int)INTEGER(dilH), phase / residuesW % residuesH, transposed);
      const Order c = order_of(kW, (int)INTEGER(strideW), (int)INTEGER(padW),
                               (int)INTEGER(dilW), phase % residuesW, transposed);
      const int taps = a.taps * b.taps * c.taps;
      __global float* to = phaseStart + task * taps * (OB * 256);
#ifdef TRANSPOSES
      if (taps == FILTER_TAPS && kD * kH * kW == FILTER_TAPS && !isGrouped) {
        // Past the caches a line that is only written costs one transfer and not two.
        const bool streams = (long)outGroups * inBlocks * taps * (OB * 256) > 1000000;
        int order[FILTER_TAPS];
        for (int tap = 0; tap < taps; tap++)
          order[tap] = (canonical(a, tap / c.taps / b.taps) * kH + canonical(b, tap / c.taps % b.taps)) * kW
                     + canonical(c, tap % c.taps);
        for (int o = 0; o < OB; o++) {
          const int out = (og * OB + o) * 16;
          float16 lane[16 * FILTER_TAPS];  // first together: memory is written in its own order
          for (int i = 0; i < 16; i++) {
            __global const float* from = weights + (first + i) * strideIn + out * strideOut;
            if (first + i + AHEAD < inC) fetch_filters(from + AHEAD * strideIn, strideOut);
            load_filters(from, strideOut, i < lanes ? clamp(outC - out, 0, 16) : 0, lane + i * FILTER_TAPS);
          }
          for (int tap = 0; tap < taps; tap++)
            for (int i = 0; i < 16; i++)
              stream16((__global uchar*)to, ((tap * 16 + i) * OB + o) * 16, lane[i * FILTER_TAPS + order[tap]], 0,
                       streams);
        }
        phaseStart += (long)outGroups * inBlocks * taps * (OB * 256);
        continue;
      }
#endif
      // An output block after the other: the first-level cache holds its weights of this input block.
      for (int o = 0; o < OB; o++)
        for (int tap = 0; tap < taps; tap++) {
          const int jH = tap / c.taps % b.taps, jD = tap / c.taps / b.taps;
          const int k = (canonical(a, jD) * kH + canonical(b, jH)) * kW + canonical(c, tap % c.taps);
          const int out = (og * OB + o) * 16;
          for (int i = 0; i < 16; i++) {
            const int count = i < lanes ? clamp(outC - out, 0, 16) : 0;
            __global const float* from = weights + (first + i) * strideIn + out * strideOut + k;
            __global float* vector = to + ((tap * 16 + i) * OB + o) * 16;
            if (isGrouped) {
              const long set = (first + i) / INTEGER(groupIn);  // another group's weights are zeros
              from -= set * INTEGER(groupShift);
              for (int l = 0; l < 16; l++)
                vector[l] =
                    l < count && (INTEGER(firstOut) + out + l) / INTEGER(groupOut) == set ? from[l * strideOut] : 0.0f;
            } else if (count == 16) {
              for (int l = 0; l < 16; l++) vector[l] = from[l * strideOut];
            } else {
              for (int l = 0; l < 16; l++) vector[l] = l < count ? from[l * strideOut] : 0.0f;
            }
          }
        }
      phaseStart += (long)outGroups * inBlocks * taps * (OB * 256);
    }
  }
}
