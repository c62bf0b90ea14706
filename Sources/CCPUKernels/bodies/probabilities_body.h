// Softmax over the channels, or sigmoid, of planar fp32 logits. The softmax keeps a voxel's largest logit and
// sum before it writes, so that it may run in place.

#include "loss_voxels.h"

VOXCL_KERNEL(probabilities) {
  const long C = INTEGER(C), voxels = INTEGER(voxels), spans = over(voxels, 16);
  const float *logits = OPERAND(float, logits);
  float *out = OPERAND(float, out);
  for (long tile = group; tile < INTEGER(N) * spans; tile += groups) {
    const long n = tile / spans, voxel = tile % spans * 16, count = least(16, voxels - voxel);
    v16 top = splat16(0), sum = splat16(1);
    if (!DEFINE(SIGMOID)) softmax_terms(logits, C, voxels, n, voxel, count, &top, &sum);
    for (long c = 0; c < C; c++) {
      const v16 x = loss_row(logits, C, voxels, n, c, voxel, count);
      const v16 p = DEFINE(SIGMOID) ? sigmoid16(x) : exp16(x - top) / sum;
      memcpy(out + (n * C + c) * voxels + voxel, &p, (size_t)count * sizeof(float));
    }
  }
}
