// The epilogue of the convolutions: bias, activation, accumulation, mask, the store in blocked or planar form, and
// statistics of what was stored.

#ifndef VOXCL_CONV_OUTPUT_H
#define VOXCL_CONV_OUTPUT_H
struct conv_output {
  uint8_t *out;
  const float *bias;  // null: none
  const uint8_t *mask;  // an activation's outputs, stored like `out`, mask_voxels a plane; null: none
  long channels, blocks, voxels, mask_voxels;
  int half, planar, activation, accumulate, masks;
  float slope;
};
#define CONV_OUTPUT                                                                                \
  (struct conv_output){.out = OPERAND(uint8_t, out), .bias = DEFINE(BIAS) ? OPERAND(float, bias) : 0, \
                       .channels = INTEGER(outC), .blocks = over(INTEGER(outC), 16),               \
                       .voxels = INTEGER(outD) * INTEGER(outH) * INTEGER(outW),                    \
                       .mask = DEFINE(MASK) ? OPERAND(uint8_t, mask) : 0,                          \
                       .mask_voxels = INTEGER(maskVoxels), .masks = (int)DEFINE(MASK),             \
                       .half = (int)DEFINE(OUT_HALF), .planar = DEFINE(OUT_BLOCK) == 1,            \
                       .activation = (int)DEFINE(OUT_ACT), .accumulate = (int)DEFINE(ACCUMULATE),  \
                       .slope = FLOAT(slopeBits)}
#define conv_store VOXCL_NAME(conv_store)
#define conv_statistics VOXCL_NAME(conv_statistics)
#endif

// Stores `count` voxels of one output block, from `voxel` on, `step` voxels apart.
HELPER void conv_store(const struct conv_output *o, const v16 *sums, long n, long block, long voxel,
    long step,
                       long count) {
  const long lanes = least(16, o->channels - 16 * block);
  const v16i mask = lanes_below(lanes);
  v16 bias = splat16(0);
  if (o->bias) memcpy(&bias, o->bias + 16 * block, (size_t)lanes * sizeof(float));
  for (long t = 0; t < count; t++) {
    v16 v = select16(mask, activate16(sums[t] + bias, o->activation, o->slope), splat16(0));
    const long at = voxel + t * step;
    if (!o->planar) {
      const long element = ((n * o->blocks + block) * o->voxels + at) * 16;
      if (o->accumulate) v += load16(o->out, element, o->half);
      if (o->mask) {
        const v16 z = load16(o->mask, ((n * o->blocks + block) * o->mask_voxels + at) * 16, o->half);
        v = select16(z <= 0.0f, o->masks == ACTIVATION_leaky ? v * o->slope : splat16(0), v);
      }
      store16(o->out, element, v, o->half);
      continue;
    }
    for (long lane = 0; lane < lanes; lane++) {
      const long element = (n * o->channels + 16 * block + lane) * o->voxels + at;
      float value = o->accumulate ? v[lane] + load1(o->out, element, o->half) : v[lane];
      const long mask_at = (n * o->channels + 16 * block + lane) * o->mask_voxels + at;
      if (o->mask && load1(o->mask, mask_at, o->half) <= 0.0f)
        value = o->masks == ACTIVATION_leaky ? value * o->slope : 0.0f;
      store1(o->out, element, value, o->half);
    }
  }
}

// Mean and M2 of a box of blocked voxels as they are stored, two passes.
HELPER void conv_statistics(const struct conv_output *o, long voxel, const long *size, long H, long W, float *to) {
  v16 mean = splat16(0), squares = splat16(0);
  for (int pass = 0; pass < 2; pass++) {
    for (long d = 0; d < size[0]; d++)
      for (long h = 0; h < size[1]; h++)
        for (long w = 0; w < size[2]; w++) {
          const v16 v = load16(o->out, (voxel + (d * H + h) * W + w) * 16, o->half);
          if (pass == 0) mean += v;
          else squares += (v - mean) * (v - mean);
        }
    if (pass == 0) mean = mean / (float)(size[0] * size[1] * size[2]);
  }
  store16(to, 0, mean, 0);
  store16(to, 16, squares, 0);
}
