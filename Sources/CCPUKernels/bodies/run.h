// A register-blocked run: up to twelve voxels along W times one or two output blocks at once, over all
// input blocks and taps. The inner loop of the convolutions, direct (taps of a staged tile) and Winograd's
// (one tap). An output is summed in the order input block, tap, lane, whatever the run's length.

#ifndef VOXCL_RUN_H
#define VOXCL_RUN_H
struct run {
  const float *input;    // of the run's first voxel; voxels are 16 floats apart
  long input_block;      // floats from one input block to the next
  const long *offsets;   // of each tap, in floats
  long taps;
  const float *weights;  // [block][tap][16][output blocks][16]
  long weights_block;
  const int *lanes;      // of each input block: channels that exist
  long blocks;
};
enum { RUN_LIMIT = 12, MAX_OUTPUT_BLOCKS = 4 };  // of any instruction set; of a call
#define run_of VOXCL_NAME(run_of)
#define run_voxels VOXCL_NAME(run_voxels)
#define longest_run VOXCL_NAME(longest_run)
#endif

// Accumulators that fit the registers beside weights: 24 of the 32 of AVX-512, 10 of AVX2's 16 half ones,
// 8 of SSE's 16 quarters. Only the first sums two output blocks at once.
INLINE long longest_run(void) { return VOXCL_LEVEL == 2 ? RUN_LIMIT : VOXCL_LEVEL == 1 ? 5 : 2; }

// OB: output blocks that are summed here, of the `width` in a row of weights.
INLINE void run_of(const int T, const int OB, long width, const struct run *r, const float *first,
                   v16 *sums) {
  v16 a0[RUN_LIMIT], a1[RUN_LIMIT];
#pragma clang loop unroll(full)
  for (int t = 0; t < T; t++) {
    a0[t] = sums[t];
    if (OB == 2) a1[t] = sums[T + t];
  }
  for (long block = 0; block < r->blocks; block++) {
    const long lanes = r->lanes[block];
    const float *weights = first + block * r->weights_block;
    for (long tap = 0; tap < r->taps; tap++, weights += 256 * width) {
      const float *x = r->input + block * r->input_block + r->offsets[tap], *w = weights;
      for (long i = 0; i < lanes; i++, x++, w += 16 * width) {
        const v16 w0 = load16(w, 0, 0), w1 = OB == 2 ? load16(w, 16, 0) : w0;
#pragma clang loop unroll(full)
        for (int t = 0; t < T; t++) {
          const v16 v = splat16(x[16 * t]);
          a0[t] += v * w0;
          if (OB == 2) a1[t] += v * w1;
        }
      }
    }
  }
#pragma clang loop unroll(full)
  for (int t = 0; t < T; t++) {
    sums[t] = a0[t];
    if (OB == 2) sums[T + t] = a1[t];
  }
}

// sums[output blocks][count] += the run; `count` is at most longest_run().
HELPER void run_voxels(long count, int output_blocks, const struct run *r, v16 *sums) {
  long o = 0;
#define RUN_CASE(T)                                                                                     \
  case T:                                                                                               \
    for (; VOXCL_LEVEL == 2 && o + 2 <= output_blocks; o += 2)                                          \
      run_of(T, 2, output_blocks, r, r->weights + 16 * o, sums + T * o);                                \
    for (; o < output_blocks; o++) run_of(T, 1, output_blocks, r, r->weights + 16 * o, sums + T * o);   \
    break;
  switch (count) {
    RUN_CASE(1) RUN_CASE(2)
#if VOXCL_LEVEL >= 1
    RUN_CASE(3) RUN_CASE(4) RUN_CASE(5)
#endif
#if VOXCL_LEVEL == 2
    RUN_CASE(6) RUN_CASE(7) RUN_CASE(8) RUN_CASE(9) RUN_CASE(10) RUN_CASE(11) RUN_CASE(12)
#endif
  }
#undef RUN_CASE
}
