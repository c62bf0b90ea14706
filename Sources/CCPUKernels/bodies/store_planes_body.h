// Planes of a slab to their place in every channel block of a tensor.

VOXCL_KERNEL(store_planes) {
  const size_t element = DEFINE(HALF) ? 2 : sizeof(float);
  const long run = INTEGER(run), stride = INTEGER(stride), part = 1 << 14, parts = over(run, part);
  char *out = OPERAND(char, out);
  const char *slab = OPERAND(char, slab);
  for (long at = group; at < INTEGER(rows) * parts; at += groups) {
    const long row = at / parts, from = at % parts * part;
    memcpy(out + (size_t)(row * stride + from) * element, slab + (size_t)(row * run + from) * element,
           (size_t)least(part, run - from) * element);
  }
}
