// The target of a coarse output: the main one's at nearest voxels, ⌊(i + ½)·factor⌋ along each axis. Four bytes a
// value, class indices and channels alike.
#include "segment.cl"
enum {
  WORD_out, WORD_target, WORD_planes, WORD_D, WORD_H, WORD_W, WORD_factorD, WORD_factorH, WORD_factorW
};
#ifndef TARGET
#define TARGET 0
#endif

VOXCL_KERNEL(pick_target) {
  VOXCL_BEGIN
  __global uint* out = OPERAND(uint, out);
  __global const uint* target = OPERAND(const uint, target);
  const long depth = INTEGER(D), height = INTEGER(H), width = INTEGER(W);
  const long fD = INTEGER(factorD), fH = INTEGER(factorH), fW = INTEGER(factorW);
  for (long row = group; row < INTEGER(planes) * depth * height; row += groups) {
    const long h = row % height, d = row / height % depth, plane = row / (height * depth);
    const long from = ((plane * depth * fD + (2 * d + 1) * fD / 2) * height * fH + (2 * h + 1) * fH / 2) * width * fW;
    for (long w = 0; w < width; w++) out[row * width + w] = target[from + (2 * w + 1) * fW / 2];
  }
}
