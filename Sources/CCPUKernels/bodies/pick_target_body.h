// The target of a coarse output: the main one's at nearest voxels.

VOXCL_KERNEL(pick_target) {
  const long depth = INTEGER(D), height = INTEGER(H), width = INTEGER(W);
  const long fD = INTEGER(factorD), fH = INTEGER(factorH), fW = INTEGER(factorW);
  for (long tile = group; tile < INTEGER(planes) * depth; tile += groups) {
    const long plane = tile / depth, z = tile % depth * fD + fD / 2;
    for (long h = 0; h < height; h++) {
      const long from = ((plane * depth * fD + z) * height * fH + h * fH + fH / 2) * width * fW + fW / 2;
      const long to = (tile * height + h) * width;
      for (long w = 0; w < width; w++) {
        if (DEFINE(TARGET)) OPERAND(float, out)[to + w] = OPERAND(float, target)[from + w * fW];
        else OPERAND(int32_t, out)[to + w] = OPERAND(int32_t, target)[from + w * fW];
      }
    }
  }
}
