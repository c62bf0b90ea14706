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
  const long chunk_voxels = INTEGER(chunkVoxels), chunks = over(in.voxels, chunk_voxels), C = in.channels;
  struct lane_sums *sums = (struct lane_sums *)voxcl_scratch();
  for (long tile = group; tile < INTEGER(N) * chunks; tile += groups) {
    const long n = tile / chunks, first = tile % chunks * chunk_voxels,
        end = least(in.voxels, first + chunk_voxels);
    memset(sums, 0, (size_t)(3 * C + 2) * sizeof *sums);
    for (long voxel = first; voxel < end; voxel += 16) {
      const long count = least(16, end - voxel);
      const struct loss_voxels v = loss_voxels_at(&in, n, voxel, count);
      for (long c = 0; c < C; c++) {
        const v16 x = loss_row(in.logits, C, in.voxels, n, c, voxel, count);
        const v16 y = loss_target(&in, &v, n, c, voxel, count), p = loss_probability(&in, &v, x);
        add_lanes(sums + 3 * c, v.counted, p * y);
        add_lanes(sums + 3 * c + 1, v.counted, p);
        add_lanes(sums + 3 * c + 2, v.counted, y);
        v16 entropy, weight = splat16(1);
        if (in.sigmoid) {  // max(x, 0) − x·y + log(1 + e^−|x|)
          const v16 e = exp16(select16(x > 0.0f, -x, x));
          v16 log_term;
          for (int i = 0; i < 16; i++) log_term[i] = log1pf(e[i]);
          entropy = select16(x > 0.0f, x, splat16(0)) - x * y + log_term;
        } else {
          weight = in.class_weights ? y * in.class_weights[c] : y;
          entropy = select16(weight != 0.0f, weight * (v.top + v.log_sum - x), splat16(0));
        }
        add_lanes(sums + 3 * C, v.counted, entropy);
        add_lanes(sums + 3 * C + 1, v.counted, weight);
      }
    }
    // Per class Σ p·y, Σ p, Σ y, side by side; then the two of the entropy.
    float *partials = OPERAND(float, partials) + tile * (3 * C + 2);
    for (long i = 0; i < 3 * C + 2; i++) partials[i] = sum_of_lanes(sums + i);
  }
}
