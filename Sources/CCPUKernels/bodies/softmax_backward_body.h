// Gradient of softmax from its output: p·(g − Σ p·g).

VOXCL_KERNEL(softmax_backward) {
  const long channels = INTEGER(C), blocks = over(channels, 16), voxels = INTEGER(voxels);
  const long spans = over(voxels, SPAN);
  const int planar = DEFINE(BLOCK) == 1;
  v16 ps[SPAN], gs[SPAN];
  float mixed[SPAN];
  for (long tile = group; tile < INTEGER(N) * spans; tile += groups) {
    const long n = tile / spans, voxel = tile % spans * SPAN, span = least(SPAN, voxels - voxel);
    for (long i = 0; i < span; i++) mixed[i] = 0;
    for (int pass = 0; pass < 2; pass++) {
      for (long block = 0; block < blocks; block++) {
        load_row(OPERAND(uint8_t, p), (int)DEFINE(P_HALF), planar, n, channels, block, voxels, voxel, span, ps);
        load_row(OPERAND(uint8_t, g), (int)DEFINE(G_HALF), planar, n, channels, block, voxels, voxel, span, gs);
        for (long i = 0; i < span; i++) {
          if (pass == 0) for (long c = 0; c < least(16, channels - 16 * block); c++) mixed[i] += ps[i][c] * gs[i][c];
          else gs[i] = ps[i] * (gs[i] - splat16(mixed[i]));
        }
        if (pass == 1)
          store_row(OPERAND(uint8_t, out), (int)DEFINE(OUT_HALF), planar, (int)DEFINE(ACCUMULATE), n, channels, block,
                    voxels, voxel, span, gs);
      }
    }
  }
}
