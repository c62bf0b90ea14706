// Loads, stores and pointwise functions on sixteen lanes, for the instruction set VOXCL_ISA.

INLINE v16 splat16(float x) { return (v16){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x}; }
INLINE v16 select16(v16i mask, v16 yes, v16 no) { return (v16)(((v16i)yes & mask) | ((v16i)no & ~mask)); }
INLINE v16i lanes_below(long lanes) {
  const v16i ids = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return ids < (int32_t)lanes;
}

// IEEE binary16, round to nearest even; infinities, NaN and denormals as F16C has them.
INLINE v16 floats_of_halves(v16h h) {
#if defined(VOXCL_REAL64)  // plans with fp16 storage are not run in double precision
  (void)h;
  abort();
#elif VOXCL_LEVEL == 2
  return (v16)_mm512_cvtph_ps((__m256i)h);
#elif VOXCL_LEVEL == 1
  union { __m256 part[2]; v16 whole; } u;
  const __m256i bits = (__m256i)h;
  u.part[0] = _mm256_cvtph_ps(_mm256_castsi256_si128(bits));
  u.part[1] = _mm256_cvtph_ps(_mm256_extractf128_si256(bits, 1));
  return u.whole;
#else
  const v16u bits = __builtin_convertvector(h, v16u), magnitude = bits & 0x7fffu;
  const v16i special = (v16i)(magnitude >= 0x7c00u), tiny = (v16i)(magnitude < 0x400u);
  const v16u bias = ((v16u)special & (112u << 23)) + (112u << 23);
  const v16 denormal = __builtin_convertvector((v16i)magnitude, v16) * 0x1p-24f;
  const v16 value = select16(tiny, denormal, (v16)((magnitude << 13) + bias));
  return (v16)((v16u)value | (bits & 0x8000u) << 16);
#endif
}

INLINE v16h halves_of_floats(v16 v) {
#if defined(VOXCL_REAL64)
  (void)v;
  abort();
#elif VOXCL_LEVEL == 2
  return (v16h)_mm512_cvtps_ph((__m512)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#elif VOXCL_LEVEL == 1
  union { v16 whole; __m256 part[2]; } u = {v};
  return (v16h)_mm256_set_m128i(_mm256_cvtps_ph(u.part[1], _MM_FROUND_TO_NEAREST_INT),
                                _mm256_cvtps_ph(u.part[0], _MM_FROUND_TO_NEAREST_INT));
#else
  const v16u bits = (v16u)v, sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
  // Normal: round the 13 dropped bits to even. Denormal: adding ½ aligns the last place to 2⁻²⁴.
  const v16u normal = (magnitude + 0xfffu + (magnitude >> 13 & 1u) - (112u << 23)) >> 13;
  const v16u denormal = (v16u)((v16)magnitude + 0.5f) - 0x3f000000u;
  const v16i is_tiny = (v16i)(magnitude < 0x38800000u), is_large = (v16i)(magnitude >= 0x477ff000u);
  const v16i is_nan = (v16i)(magnitude > 0x7f800000u);
  v16u half = (v16u)select16(is_tiny, (v16)denormal, (v16)normal);
  half = (half & ~(v16u)is_large) | ((v16u)is_large & 0x7c00u);
  half = half | ((v16u)is_nan & (0x200u | (magnitude >> 13 & 0x3ffu)));
  return __builtin_convertvector(half | sign, v16h);
#endif
}

// `element` counts scalars.
INLINE v16 load16(const void *base, long element, int half) {
  if (half) return floats_of_halves(*(const v16h_at_2 *)((const uint16_t *)base + element));
  return *(const v16_at_4 *)((const float *)base + element);
}
INLINE void store16(void *base, long element, v16 v, int half) {
  if (half) *(v16h_at_2 *)((uint16_t *)base + element) = halves_of_floats(v);
  else *(v16_at_4 *)((float *)base + element) = v;
}
INLINE float load1(const void *base, long element, int half) {
  if (!half) return ((const float *)base)[element];
  return floats_of_halves((v16h){((const uint16_t *)base)[element]})[0];
}
INLINE void store1(void *base, long element, float v, int half) {
  if (half) ((uint16_t *)base)[element] = halves_of_floats((v16){v})[0];
  else ((float *)base)[element] = v;
}

// eˣ to 2 units in the last place (Cephes' polynomial); below −87.3 it is 0, above 88.7 ∞; NaN stays.
#if defined(VOXCL_REAL64)
INLINE v16 exp16(v16 x) {
  for (int i = 0; i < 16; i++) x[i] = exp(x[i]);
  return x;
}
#else
INLINE v16 exp16(v16 x) {
  const v16i is_low = x < -87.3365f, is_high = x > 88.7228f;
  const v16 clamped = select16(is_low | is_high, splat16(0), x);
  const v16 shifted = clamped * 1.44269504f + 12582912.0f;  // 1.5·2²³: rounds to an integer
  const v16 n = shifted - 12582912.0f;
  const v16 r = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;
  v16 p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  // n reaches 128, one more than an exponent holds: 2ⁿ as the product of two powers.
  const v16u integer = (v16u)shifted - 0x4b400000u, first = (v16u)((v16i)integer >> 1);
  const v16 power = (v16)((first + 127u) << 23) * (v16)((integer - first + 127u) << 23);
  p = select16(x == x, p * power, x);
  return select16(is_low, splat16(0), select16(is_high, splat16(INFINITY), p));
}
#endif
INLINE v16 sigmoid16(v16 x) { return 1.0f / (1.0f + exp16(-x)); }

// The C library's, lane by lane: exact to a unit in the last place everywhere.
HELPER void expm1_16(v16 *x) { for (int i = 0; i < 16; i++) (*x)[i] = expm1f((*x)[i]); }
HELPER void erf16(v16 *x) { for (int i = 0; i < 16; i++) (*x)[i] = erff((*x)[i]); }
HELPER void tanh16(v16 *x) { for (int i = 0; i < 16; i++) (*x)[i] = tanhf((*x)[i]); }

INLINE v16 activate16(v16 v, int kind, float slope) {
  if (kind == ACTIVATION_relu) return select16(v <= 0.0f, splat16(0), v);
  if (kind == ACTIVATION_leaky) return select16(v <= 0.0f, v * slope, v);
  if (kind == ACTIVATION_sigmoid) return sigmoid16(v);
  if (kind == ACTIVATION_silu) return v / (1.0f + exp16(-v));
  v16 x = kind == ACTIVATION_gelu ? v * VOXCL_ROOT_HALF : v;
  if (kind == ACTIVATION_elu) {
    expm1_16(&x);
    return select16(v <= 0.0f, x * slope, v);
  }
  if (kind == ACTIVATION_gelu) {
    erf16(&x);
    return 0.5f * v * (1.0f + x);
  }
  if (kind == ACTIVATION_tanh) tanh16(&x);
  return x;
}
// The derivative at v; at 0 that of v ≤ 0.
INLINE v16 activation_slope16(v16 v, int kind, float slope) {
  if (kind == ACTIVATION_relu) return select16(v > 0.0f, splat16(1), splat16(0));
  if (kind == ACTIVATION_leaky) return select16(v > 0.0f, splat16(1), splat16(slope));
  if (kind == ACTIVATION_sigmoid) {
    const v16 s = sigmoid16(v);
    return s * (1.0f - s);
  }
  if (kind == ACTIVATION_silu) {
    const v16 s = sigmoid16(v);
    return s + v * s * (1.0f - s);
  }
  if (kind == ACTIVATION_elu) return select16(v > 0.0f, splat16(1), slope * exp16(v));
  if (kind == ACTIVATION_gelu) {
    v16 x = v * VOXCL_ROOT_HALF;
    erf16(&x);
    return 0.5f * (1.0f + x) + v * VOXCL_ROOT_HALF_PI_INVERSE * exp16(-0.5f * v * v);
  }
  if (kind == ACTIVATION_tanh) {
    v16 y = v;
    tanh16(&y);
    return 1.0f - y * y;
  }
  return splat16(1);
}
// v × scale where the lane's bit is set, else 0.
INLINE v16 keep16(v16 v, uint16_t bits, float scale) {
  const v16i one = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
  return select16((one & (int32_t)bits) != 0, v * scale, splat16(0));
}

// `count` voxels from `voxel` on of channel block `block` of sample n, from N×⌈C/16⌉×voxels×16 or
// (planar) N×C×voxels. Lanes beyond C are 0 where planar, as stored where blocked.
HELPER void load_row(const void *z, int half, int planar, long n, long channels, long block, long voxels,
                     long voxel, long count, v16 *out) {
  if (!planar) {
    const long at = ((n * over(channels, 16) + block) * voxels + voxel) * 16;
    if (half) for (long i = 0; i < count; i++) out[i] = load16(z, at + 16 * i, 1);
    else memcpy(out, (const float *)z + at, (size_t)count * sizeof(v16));
    return;
  }
  const long lanes = least(16, channels - 16 * block);
  memset(out, 0, (size_t)count * sizeof(v16));
  for (long lane = 0; lane < lanes; lane++) {
    const long at = (n * channels + 16 * block + lane) * voxels + voxel;
    for (long i = 0; i < count; i++) ((float *)out)[16 * i + lane] = load1(z, at + i, half);
  }
}

// The reverse; `accumulate` adds to what is stored. Lanes beyond C are written as 0.
HELPER void store_row(void *z, int half, int planar, int accumulate, long n, long channels, long block,
                      long voxels, long voxel, long count, const v16 *in) {
  const long lanes = least(16, channels - 16 * block);
  if (!planar) {
    const long at = ((n * over(channels, 16) + block) * voxels + voxel) * 16;
    const v16i mask = lanes_below(lanes);
    for (long i = 0; i < count; i++) {
      const v16 v = accumulate ? in[i] + load16(z, at + 16 * i, half) : in[i];
      store16(z, at + 16 * i, select16(mask, v, splat16(0)), half);
    }
    return;
  }
  for (long lane = 0; lane < lanes; lane++) {
    const long at = (n * channels + 16 * block + lane) * voxels + voxel;
    for (long i = 0; i < count; i++) {
      const float v = ((const float *)in)[16 * i + lane];
      store1(z, at + i, accumulate ? v + load1(z, at + i, half) : v, half);
    }
  }
}
