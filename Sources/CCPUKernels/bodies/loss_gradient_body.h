// Loss, step 3: the gradient of the logits. All classes of a voxel are read before one is written, so that
// it may run in place.

#include "loss_voxels.h"

#ifndef VOXCL_LOSS_GRADIENT_BODY_H
#define VOXCL_LOSS_GRADIENT_BODY_H
#define focal_slope VOXCL_NAME(focal_slope)
#endif

// p·d/dp of −(1 − p)^γ·log p … with `miss` = 1 − p and `loss` = −log p: −γ·miss^(γ−1)·p·loss − miss^γ.
HELPER void focal_slope(const v16 *p, const v16 *miss, const v16 *loss, float focus, v16 *slope) {
  for (int i = 0; i < 16; i++) {
    const float q = (*miss)[i];
    const float steep = q > 0 && focus != 0 ? focus * powf(q, focus - 1) * (*p)[i] * (*loss)[i] : 0;
    (*slope)[i] = -steep - powf(q, focus);
  }
}

VOXCL_KERNEL(loss_gradient) {
  const struct loss_input in = LOSS_INPUT;
  const long C = in.channels, spans = over(in.voxels, 16);
  float *g = OPERAND(float, g);
  const float *coefficients = OPERAND(float, coefficients), entropy = coefficients[2 * INTEGER(N) * C];
  v16 *ps = (v16 *)voxcl_scratch(), *ys = ps + C, *ts = ys + C;  // probabilities, targets, own terms
  for (long tile = group; tile < INTEGER(N) * spans; tile += groups) {
    const long n = tile / spans, voxel = tile % spans * 16, count = least(16, in.voxels - voxel);
    const struct loss_voxels v = loss_voxels_at(&in, n, voxel, count);
    v16 product = splat16(0), terms = splat16(0), present = splat16(0), again = splat16(0);
    for (long c = 0; c < C; c++) {
      ps[c] = loss_probability(&in, &v, loss_row(in.logits, C, in.voxels, n, c, voxel, count));
      ys[c] = loss_target(&in, &v, n, c, voxel, count);
      const float *ab = coefficients + (n * C + c) * 2;
      product += ps[c] * (ab[0] * ys[c] + ab[1] * (in.squared ? 2.0f * ps[c] : splat16(1)));
      present += in.class_weights ? in.class_weights[c] * ys[c] : ys[c];
      again += exp16(ps[c]);
    }
    for (long c = 0; c < C; c++) {
      const v16 p = ps[c], x = loss_row(in.logits, C, in.voxels, n, c, voxel, count);
      v16 own = -(in.class_weights ? in.class_weights[c] * ys[c] : ys[c]), miss = 1.0f - p, slope;
      if (in.sigmoid) {
        v16 one = -x, none = x, hit = p;
        own = in.entropy == ENTROPY_linear ? ys[c] : p - ys[c];
        if (in.entropy == ENTROPY_focal) {
          softplus16(&one);
          softplus16(&none);
          miss = sigmoid16(-x);
          focal_slope(&p, &miss, &one, in.focus, &slope);
          own = ys[c] * slope * miss;
          focal_slope(&miss, &hit, &none, in.focus, &slope);
          own -= (1.0f - ys[c]) * slope * p;
        }
      } else if (in.entropy == ENTROPY_clipped) {
        own = select16((p > in.clip) & (p < 1.0f - in.clip), own, splat16(0));
      } else if (in.entropy == ENTROPY_focal) {
        const v16 loss = v.top + v.log_sum - x;
        focal_slope(&p, &miss, &loss, in.focus, &slope);
        own *= -slope;
      } else if (in.entropy == ENTROPY_twice) {
        own = p * (exp16(p) / again * present + own);
      }
      ts[c] = own;
      terms += own;
    }
    for (long c = 0; c < C; c++) {
      const float *ab = coefficients + (n * C + c) * 2;
      const v16 p = ps[c], y = ys[c], q = ab[0] * y + ab[1] * (in.squared ? 2.0f * p : splat16(1));
      v16 value;
      if (in.sigmoid) value = p * (1.0f - p) * q + entropy * ts[c];
      else value = p * (q - product) + entropy * (ts[c] - p * terms);
      value = select16(loss_counted(&in, &v, y), value, splat16(0));
      memcpy(g + (n * C + c) * in.voxels + voxel, &value, (size_t)count * sizeof(float));
    }
  }
}
