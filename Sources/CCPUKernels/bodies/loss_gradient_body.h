// Loss, step 3: the gradient of the logits. All classes of a voxel are read before one is written, so that
// it may run in place.

#include "loss_voxels.h"

VOXCL_KERNEL(loss_gradient) {
  const struct loss_input in = LOSS_INPUT;
  const long C = in.channels, spans = over(in.voxels, 16);
  float *g = OPERAND(float, g);
  const float *coefficients = OPERAND(float, coefficients), entropy = coefficients[2 * INTEGER(N) * C];
  v16 *ps = (v16 *)voxcl_scratch(), *ys = ps + C;
  for (long tile = group; tile < INTEGER(N) * spans; tile += groups) {
    const long n = tile / spans, voxel = tile % spans * 16, count = least(16, in.voxels - voxel);
    const struct loss_voxels v = loss_voxels_at(&in, n, voxel, count);
    v16 product = splat16(0), weight = splat16(0);  // Σ p·q and Σ w·y
    for (long c = 0; c < C; c++) {
      ps[c] = loss_probability(&in, &v, loss_row(in.logits, C, in.voxels, n, c, voxel, count));
      ys[c] = loss_target(&in, &v, n, c, voxel, count);
      const float *ab = coefficients + (n * C + c) * 2;
      product += ps[c] * (ab[0] * ys[c] + ab[1]);
      weight += in.class_weights ? in.class_weights[c] * ys[c] : ys[c];
    }
    for (long c = 0; c < C; c++) {
      const float *ab = coefficients + (n * C + c) * 2;
      const v16 p = ps[c], y = ys[c], q = ab[0] * y + ab[1];
      const v16 weighted = in.class_weights ? in.class_weights[c] * y : y;
      v16 value;
      if (in.sigmoid) value = p * (1.0f - p) * q + entropy * (p - y);
      else value = p * (q - product) + entropy * (p * weight - weighted);
      value = select16(v.counted, value, splat16(0));
      memcpy(g + (n * C + c) * in.voxels + voxel, &value, (size_t)count * sizeof(float));
    }
  }
}
