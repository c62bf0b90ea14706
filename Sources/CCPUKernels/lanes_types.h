// Sixteen lanes, and the names that every instruction set has its own copy of.
#pragma once
#include <math.h>
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "include/CCPUKernels.h"
#include "scratch.h"

// Lanes of masks have the width of the lanes they choose.
#if defined(VOXCL_REAL64)
typedef int64_t voxcl_mask_lane;
typedef uint64_t voxcl_bits_lane;
#else
typedef int32_t voxcl_mask_lane;
typedef uint32_t voxcl_bits_lane;
#endif
typedef float v16 __attribute__((vector_size(16 * sizeof(float))));
typedef voxcl_mask_lane v16i __attribute__((vector_size(16 * sizeof(float))));
typedef voxcl_bits_lane v16u __attribute__((vector_size(16 * sizeof(float))));
typedef uint16_t v16h __attribute__((vector_size(32)));
typedef float v16_at_4 __attribute__((vector_size(16 * sizeof(float)), aligned(4)));
typedef uint16_t v16h_at_2 __attribute__((vector_size(32), aligned(2)));

#define VOXCL_JOIN2(a, b) a##_##b
#define VOXCL_JOIN(a, b) VOXCL_JOIN2(a, b)
#define VOXCL_NAME(name) VOXCL_JOIN(name, VOXCL_ISA)
#define VOXCL_KERNEL(name) \
  void VOXCL_NAME(voxcl_##name)(const struct voxcl_call *call, int64_t group, int64_t groups)

// Vectors never cross a real call: their calling convention differs between instruction sets.
#define INLINE static inline __attribute__((always_inline, unused))
#define HELPER static __attribute__((noinline, unused))

#define DEFINE(name) (call->defines[DEFINE_##name])
#define INTEGER(name) (call->words[WORD_##name])
#define FLOAT(name) (float_of_bits(call->words[WORD_##name]))
#define OPERAND(type, name) ((type *)operand_at(call, call->words[WORD_##name]))

static inline uint8_t *operand_at(const struct voxcl_call *call, int64_t word) {
  return word < 0 ? 0 : call->arena[word >> 56] + (word & 0x00ffffffffffffffLL);
}
static inline float float_of_bits(int64_t bits) {
  const uint32_t low = (uint32_t)bits;
  __typeof__(1.0f) value;  // fp32 whatever `float` stands for
  memcpy(&value, &low, sizeof value);
  return value;
}
static inline long least(long a, long b) { return a < b ? a : b; }
static inline long most(long a, long b) { return a > b ? a : b; }
static inline long over(long a, long b) { return (a + b - 1) / b; }  // ⌈a/b⌉

#define splat16 VOXCL_NAME(splat16)
#define select16 VOXCL_NAME(select16)
#define load16 VOXCL_NAME(load16)
#define store16 VOXCL_NAME(store16)
#define load1 VOXCL_NAME(load1)
#define store1 VOXCL_NAME(store1)
#define lanes_below VOXCL_NAME(lanes_below)
#define exp16 VOXCL_NAME(exp16)
#define sigmoid16 VOXCL_NAME(sigmoid16)
#define expm1_16 VOXCL_NAME(expm1_16)
#define erf16 VOXCL_NAME(erf16)
#define tanh16 VOXCL_NAME(tanh16)
#define activate16 VOXCL_NAME(activate16)
#define activation_slope16 VOXCL_NAME(activation_slope16)
#define keep16 VOXCL_NAME(keep16)
#define load_row VOXCL_NAME(load_row)
#define store_row VOXCL_NAME(store_row)
#define floats_of_halves VOXCL_NAME(floats_of_halves)
#define halves_of_floats VOXCL_NAME(halves_of_floats)

enum {
  ACTIVATION_none, ACTIVATION_relu, ACTIVATION_leaky, ACTIVATION_sigmoid, ACTIVATION_elu, ACTIVATION_silu,
  ACTIVATION_gelu, ACTIVATION_tanh
};
// 1/√2 and 1/√(2π).
#define VOXCL_ROOT_HALF ((float)0.70710678118654752440)
#define VOXCL_ROOT_HALF_PI_INVERSE ((float)0.39894228040143267794)
// Voxels that pointwise kernels hold at once (16 KiB for four tensors).
enum { SPAN = 64 };
