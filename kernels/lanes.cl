// What the sixteen lanes of a vector come to, always in the same order.

// (lanes 0 to 7) + (lanes 8 to 15), then halves of that. VOXCL_NO_SWIZZLES: for Oclgrind 21.10, which holds what
// comes from .lo and .hi for uninitialised.
static inline float sum_of_lanes(float16 v) {
#ifdef VOXCL_NO_SWIZZLES
  float lane[16];
  vstore16(v, 0, lane);
  for (int n = 8; n > 0; n /= 2)
    for (int i = 0; i < n; i++) lane[i] += lane[i + n];
  return lane[0];
#else
  const float8 a = v.lo + v.hi;
  const float4 b = a.lo + a.hi;
  return (b.x + b.z) + (b.y + b.w);
#endif
}

static inline uint bits_of_lanes(uint16 v) {
#ifdef VOXCL_NO_SWIZZLES
  uint lane[16], bits = 0;
  vstore16(v, 0, lane);
  for (int i = 0; i < 16; i++) bits |= lane[i];
  return bits;
#else
  const uint8 a = v.lo | v.hi;
  const uint4 b = a.lo | a.hi;
  return b.x | b.y | b.z | b.w;
#endif
}
