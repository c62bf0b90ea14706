// Loss, step 1: the sums of each chunk, in voxel order for each of 16 interleaved voxels, then over the 16.

#include "loss_voxels.h"

#ifndef VOXCL_LOSS_SUMS_BODY_H
#define VOXCL_LOSS_SUMS_BODY_H
struct lane_sums {
  double lane[16];
};
#define add_lanes VOXCL_NAME(add_lanes)
#define sum_of_lanes VOXCL_NAME(sum_of_lanes)
#endif

INLINE void add_lanes(struct lane_sums *sums, v16i counted, v16 v) {
  const v16 values = select16(counted, v, splat16(0));
  for (int i = 0; i < 16; i++) sums->lane[i] += values[i];
}
INLINE float sum_of_lanes(const struct lane_sums *sums) {
  double sum = 0;
  for (int i = 0; i < 16; i++) sum += sums->lane[i];
  return (float)sum;
}

VOXCL_KERNEL(loss_sums) {
  const struct loss_input in = LOSS_INPUT;
  const int mean = INTEGER(mean) != 0;
  const long chunk_voxels = INTEGER(chunkVoxels), chunks = over(in.voxels, chunk_voxels), C = in.channels;
  struct lane_sums *sums = (struct lane_sums *)voxcl_scratch();
  for (long tile = group; tile < INTEGER(N) * chunks; tile += groups) {
    const long n = tile / chunks, first = tile % chunks * chunk_voxels,
        end = least(in.voxels, first + chunk_voxels);
    memset(sums, 0, (size_t)(3 * C + 2) * sizeof *sums);
    for (long voxel = first; voxel < end; voxel += 16) {
      const long count = least(16, end - voxel);
      const struct loss_voxels v = loss_voxels_at(&in, n, voxel, count);
      v16 again = splat16(0);
      if (in.entropy == ENTROPY_twice) again = loss_again(&in, &v, n, voxel, count);
      for (long c = 0; c < C; c++) {
        const v16 x = loss_row(in.logits, C, in.voxels, n, c, voxel, count);
        const v16 y = loss_target(&in, &v, n, c, voxel, count), p = loss_probability(&in, &v, x);
        const v16i counted = loss_counted(&in, &v, y);
        add_lanes(sums + 3 * c, counted, p * y);
        add_lanes(sums + 3 * c + 1, counted, in.squared ? p * p : p);
        add_lanes(sums + 3 * c + 2, counted, in.squared ? y * y : y);
        v16 entropy, weight = splat16(1);
        if (in.sigmoid) {  // y·softplus(−x) + (1 − y)·softplus(x), each term times its focus
          v16 one = -x, none = x, misses = 1.0f - p, hits = p;
          softplus16(&one);
          softplus16(&none);
          if (in.entropy == ENTROPY_focal) {
            misses = sigmoid16(-x);
            powers16(&misses, in.focus);
            powers16(&hits, in.focus);
            one *= misses, none *= hits;
          }
          entropy = in.entropy == ENTROPY_linear ? x * y : y * one + (1.0f - y) * none;
        } else {
          const v16 weighted = in.class_weights ? y * in.class_weights[c] : y;
          v16 term = v.top + v.log_sum - x;
          if (in.entropy == ENTROPY_clipped) {
            for (int i = 0; i < 16; i++) term[i] = -logf(fminf(fmaxf(p[i], in.clip), 1 - in.clip));
          } else if (in.entropy == ENTROPY_focal) {
            v16 misses = 1.0f - p;
            powers16(&misses, in.focus);
            term *= misses;
          } else if (in.entropy == ENTROPY_twice) {
            for (int i = 0; i < 16; i++) term[i] = logf(again[i]) - p[i];
          }
          entropy = select16(weighted != 0.0f, weighted * term, splat16(0));
          weight = mean ? y : weighted;
        }
        add_lanes(sums + 3 * C, counted, entropy);
        add_lanes(sums + 3 * C + 1, counted, weight);
      }
    }
    // Per class Σ p·y, Σ p, Σ y, side by side; then the two of the entropy.
    float *partials = OPERAND(float, partials) + tile * (3 * C + 2);
    for (long i = 0; i < 3 * C + 2; i++) partials[i] = sum_of_lanes(sums + i);
  }
}
