// Canonical 3×3×3 (KD 1: 1×3×3) weights to Winograd's domain (KernelCatalog.winogradWeights):
// U[(M+2)³][⌈outBlocks/OB⌉][inBlock·16 + i][OB][16] = (G⊗G⊗G) w. A task is an (output group, input block, phase).
// M 5: phases of the input stand inside of blocks, U[6³][⌈outBlocks/OB⌉][inBlock][PHASES][16][OB][16], those of the output
// (flip) outside of all, U[6³][PHASES][⌈outBlocks/OB⌉][inBlock·16 + i][OB][16].
#include "filter_taps.cl"
#include "winograd_filter.cl"

enum {
  WORD_packed, WORD_weights,
  WORD_segments, WORD_segmentC0, WORD_segmentC1, WORD_segmentC2, WORD_segmentC3, WORD_outC, WORD_strideIn,
  WORD_strideOut, WORD_outputBlocks, WORD_flip, WORD_kH
};

#define TAPS (K * K * KD)

#if M == 5
// Taps of a phase, the last one first where `flips`, of filters of taps × taps (× taps), `stride` apart; lanes from `count`
// on and taps that do not exist are zeros.
static inline void load_phase(__global const float* from, long stride, int count, int taps, int phase, int flips,
                              float16* lane) {
  for (int k = 0; k < TAPS; k++) {
    const int j = flips ? TAPS - 1 - k : k;
    const int d = KD > 1 ? j / 4 * 2 + phase / 4 : 0, h = j / 2 % 2 * 2 + phase / 2 % 2, w = j % 2 * 2 + phase % 2;
    const bool exists = d < taps && h < taps && w < taps;
    for (int l = 0; l < 16; l++)
      ((float*)lane)[k * 16 + l] = exists && l < count ? from[l * stride + (d * taps + h) * taps + w] : 0.0f;
  }
}
#endif

VOXCL_KERNEL(winograd_weights) {
  VOXCL_BEGIN
  const int segments = (int)INTEGER(segments), outC = (int)INTEGER(outC);
  const int OB = (int)INTEGER(outputBlocks), flips = (int)INTEGER(flip);
  const int outGroups = ((outC + 15) / 16 + OB - 1) / OB;
  const long strideIn = INTEGER(strideIn), strideOut = INTEGER(strideOut);
  int inBlocks = 0;
  for (int s = 0; s < segments; s++) inBlocks += ((int)words[WORD_segmentC0 + s] + 15) / 16;
  __global const float* weights = OPERAND(const float, weights);
  const int phases = M == 5 ? PHASES : 1;
  const long frequency = phases * (long)outGroups * inBlocks * (OB * 256);  // floats from one of (M+2)³ to the next
  const bool streams = frequency * PD * P * P > STREAM_FROM;

  for (long visit = group; visit < phases * (long)outGroups * inBlocks; visit += groups) {
    const long task = visit / phases;
    const int og = (int)(task / inBlocks), phase = (int)(visit % phases);
    int block = (int)(task % inBlocks), first = 0, lanes = 0;
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
    // Taps first, at the places of the first TAPS frequencies; then a depth frequency after the other, the one
    // that lies on the taps last (it needs the first taps along D alone: point 0). So few lines are
    // written at a time; 216 at once would each miss the TLB.
    const long at = M == 5 && flips ? (long)phase * outGroups * inBlocks + task : visit;
    __global float* to = OPERAND(float, packed) + at * (OB * 256);
    for (int i = 0; i < 16; i++)
      for (int o = 0; o < OB; o++) {
        const int out = (og * OB + o) * 16, count = i < lanes ? clamp(outC - out, 0, 16) : 0;
        __global const float* from = weights + (first + i) * strideIn + out * strideOut;
        float16 lane[TAPS];
#if M == 5
        load_phase(from, strideOut, count, (int)INTEGER(kH), phase, flips, lane);
#elif KD == 3
        load_filters(from, strideOut, count, lane);
#else
        for (int l = 0; l < 16; l++)
          for (int k = 0; k < TAPS; k++) ((float*)lane)[k * 16 + l] = l < count ? from[l * strideOut + k] : 0.0f;
#endif
        for (int k = 0; k < TAPS; k++) put16(lane[M != 5 && flips ? TAPS - 1 - k : k], i * OB + o, to + k * frequency);
      }
    for (int fD = PD - 1; fD >= 0; fD--)
      for (int i = 0; i < 16 * OB; i++) {
        float16 w[K * K];
        #pragma unroll
        for (int k = 0; k < K * K; k++)
#if KD == 1
          w[k] = vload16(i, to + k * frequency);
#else
          w[k] = frequency_of(fD, vload16(i, to + k * frequency), vload16(i, to + (K * K + k) * frequency),
                              vload16(i, to + ((K - 1) * K * K + k) * frequency));
#endif
        float16 h[K][P];
        #pragma unroll
        for (int k = 0; k < K; k++) frequencies_of(w[k], w[K + k], w[(K - 1) * K + k], h[k]);
        #pragma unroll
        for (int fH = 0; fH < P; fH++) {
          float16 line16[P];
          frequencies_of(h[0][fH], h[1][fH], h[K - 1][fH], line16);
          #pragma unroll
          for (int fW = 0; fW < P; fW++) {
            __global float* line = to + ((fD * P + fH) * P + fW) * frequency;
            stream16((__global uchar*)line, 16 * i, line16[fW], 0, streams);
          }
        }
      }
  }
}
