// The roof over every kernel's speed: multiply-adds in registers, or floats read and written.

VOXCL_KERNEL(device_limit) {
  float *values = OPERAND(float, values);
  const long count = INTEGER(count), repeats = INTEGER(repeats), run = 1 << 14;
  if (DEFINE(STREAM)) {
    for (long first = group * run; first < count; first += groups * run) {
      const long end = least(count, first + run);
      for (long i = first; i < end; i++) values[i] *= 0.5f;
    }
    return;
  }
  for (long row = group; row < count; row += groups) {
    // Eight chains hide the latency of two units; the factor is read, so the compiler does not know where they end.
    const v16 f = load16(values, 16 * row, 0);
    v16 a = splat16(0), b = splat16(1), c = splat16(2), d = splat16(3);
    v16 e = splat16(4), g = splat16(5), h = splat16(6), k = splat16(7);
    for (long i = 0; i < repeats; i++) {
      a = a * f + f, b = b * f + f, c = c * f + f, d = d * f + f;
      e = e * f + f, g = g * f + f, h = h * f + f, k = k * f + f;
    }
    store16(values, 16 * row, ((a + b) + (c + d)) + ((e + g) + (h + k)), 0);
  }
}
