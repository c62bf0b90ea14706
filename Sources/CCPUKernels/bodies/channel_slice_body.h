// Channels [firstC, firstC + C) of a tensor of wholeC channels, stored or added.

VOXCL_KERNEL(channel_slice) {
  const long channels = INTEGER(C), blocks = over(channels, 16), whole = INTEGER(wholeC), first = INTEGER(firstC);
  const long voxels = INTEGER(voxels), spans = over(voxels, SPAN);
  const uint8_t *g = OPERAND(uint8_t, g);
  v16 rows[2][SPAN], part[SPAN];
  for (long tile = group; tile < INTEGER(N) * blocks * spans; tile += groups) {
    const long n = tile / spans / blocks, block = tile / spans % blocks, voxel = tile % spans * SPAN;
    const long span = least(SPAN, voxels - voxel), from = first + 16 * block;
    for (int i = 0; i < 2 && (from / 16 + i) * 16 < whole; i++)
      load_row(g, (int)DEFINE(G_HALF), DEFINE(G_BLOCK) == 1, n, whole, from / 16 + i, voxels, voxel, span, rows[i]);
    for (long v = 0; v < span; v++) {
      part[v] = splat16(0);
      for (long c = 0; c < least(16, channels - 16 * block); c++) {
        const long at = from % 16 + c;
        part[v][c] = rows[at / 16][v][at % 16];
      }
    }
    store_row(OPERAND(uint8_t, out), (int)DEFINE(OUT_HALF), DEFINE(BLOCK) == 1, (int)DEFINE(ACCUMULATE), n,
              channels, block, voxels, voxel, span, part);
  }
}
