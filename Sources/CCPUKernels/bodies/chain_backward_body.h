// Gradient through norm → activation → dropout back to z, and through the activation of z's producer.

VOXCL_KERNEL(chain_backward) {
  const long samples = INTEGER(N), channels = INTEGER(C), blocks = over(channels, 16),
      voxels = INTEGER(voxels);
  const long padded = 16 * blocks, spans = over(voxels, SPAN);
  const int planar = DEFINE(BLOCK) == 1, norm = (int)DEFINE(NORM), activation = (int)DEFINE(ACT);
  const int before = (int)DEFINE(PRE_ACT), reads_z = norm || activation || before;
  const float slope = FLOAT(slopeBits), kept = FLOAT(keepScaleBits), slope_before = FLOAT(preSlopeBits);
  const uint8_t *g = OPERAND(uint8_t, g), *z = OPERAND(uint8_t, z);
  const float *scales = OPERAND(float, scale), *means = OPERAND(float, mean), *sums = OPERAND(float, sums);
  const uint16_t *keep = DEFINE(KEEP) ? OPERAND(uint16_t, keep) : 0;
  uint8_t *out = OPERAND(uint8_t, out);
  v16 gs[SPAN], zs[SPAN];
  for (long tile = group; tile < samples * blocks * spans; tile += groups) {
    const long n = tile / spans / blocks, block = tile / spans % blocks, voxel = tile % spans * SPAN;
    const long span = least(SPAN, voxels - voxel), at = n * padded + 16 * block, reach = samples * padded;
    v16 scale = splat16(1), shift = splat16(0), mean = shift, rstd = shift, sum0 = shift, sum1 = shift;
    if (norm) {
      scale = load16(scales, at, 0), shift = load16(scales, reach + at, 0);
      mean = load16(means, at, 0), rstd = load16(means, reach + at, 0);
      sum0 = load16(sums, at, 0), sum1 = load16(sums, reach + at, 0);
    }
    load_row(g, (int)DEFINE(G_HALF), planar, n, channels, block, voxels, voxel, span, gs);
    if (reads_z) load_row(z, (int)DEFINE(Z_HALF), planar, n, channels, block, voxels, voxel, span, zs);
    for (long i = 0; i < span; i++) {
      v16 v = keep ? keep16(gs[i], keep[(n * blocks + block) * voxels + voxel + i], kept) : gs[i];
      if (activation) v *= activation_slope16(norm ? zs[i] * scale + shift : zs[i], activation, slope);
      if (norm) v = scale * v - (sum0 + (zs[i] - mean) * rstd * sum1);
      if (before == ACTIVATION_sigmoid) v *= zs[i] * (1.0f - zs[i]);
      else if (before == ACTIVATION_tanh) v *= 1.0f - zs[i] * zs[i];
      else if (before == ACTIVATION_elu) v *= select16(zs[i] > 0.0f, splat16(1), zs[i] + slope_before);
      else if (before) v *= activation_slope16(zs[i], before, slope_before);
      gs[i] = v;
    }
    store_row(out, (int)DEFINE(OUT_HALF), planar, (int)DEFINE(ACCUMULATE), n, channels, block, voxels,
        voxel, span, gs);
  }
}
