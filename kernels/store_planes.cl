// Planes of a slab to their place in every channel block of a tensor: rows of `run` elements, `stride` apart there.
#include "segment.cl"
enum { WORD_out, WORD_slab, WORD_rows, WORD_run, WORD_stride };
#ifndef HALF
#define HALF 0
#endif
// Elements that a group does at a time.
#define PART 4096

#if HALF
typedef ushort16 __attribute__((aligned(2))) Elements16;
#else
typedef uint16 __attribute__((aligned(4))) Elements16;
#endif

VOXCL_KERNEL(store_planes) {
  VOXCL_BEGIN
  __global Elements16* out = OPERAND(Elements16, out);
  __global const Elements16* slab = OPERAND(const Elements16, slab);
  const long run = INTEGER(run) / 16, stride = INTEGER(stride) / 16;
  const long parts = (run + PART / 16 - 1) / (PART / 16);
  for (long part = group; part < INTEGER(rows) * parts; part += groups) {
    const long row = part / parts, from = part % parts * (PART / 16);
    for (long i = from; i < min(from + PART / 16, run); i++) out[row * stride + i] = slab[row * run + i];
  }
}
