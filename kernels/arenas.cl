// How every kernel reads its command: the words of the table, the operands they point at, values of 16 lanes in fp32
// or fp16. Included by the others through segment.cl.

#define VOXCL_ARGUMENTS                                                                               \
  __global uchar* arena0, __global uchar* arena1, __global uchar* arena2, __global uchar* arena3,       \
      __global uchar* arena4, __global uchar* arena5, __global uchar* arena6, __global uchar* arena7,   \
      __global const long* table, uint at
// PoCL makes three functions of a kernel: what they do is in a fourth, so that it is compiled once.
#if defined(__x86_64__)
#define VOXCL_ONCE static __attribute__((noinline))
#else
#define VOXCL_ONCE static inline
#endif
#define VOXCL_KERNEL(name)                                                                            \
  VOXCL_ONCE void name##_group(VOXCL_ARGUMENTS, long group, long groups);                             \
  __kernel __attribute__((reqd_work_group_size(1, 1, 1))) void name(VOXCL_ARGUMENTS) {                \
    name##_group(arena0, arena1, arena2, arena3, arena4, arena5, arena6, arena7, table, at,           \
                 (long)get_group_id(0), (long)get_num_groups(0));                                     \
  }                                                                                                   \
  VOXCL_ONCE void name##_group(VOXCL_ARGUMENTS, long group, long groups)

// First lines of every kernel body. A launch whose words begin at IDLE does nothing: a driver that makes machine code at
// the first launch has then made it (see KernelPreparation.swift).
#define IDLE 0xffffffffu
#define VOXCL_BEGIN                            \
  if (at == IDLE) return;                      \
  __global const long* words = table + at;     \
  const Arenas arenas = {{arena0, arena1, arena2, arena3, arena4, arena5, arena6, arena7}};

// For what runs once a voxel: left to itself, a compiler calls what several places use.
#define ALWAYS_INLINE static inline __attribute__((always_inline))

typedef struct {
  __global uchar* base[8];
} Arenas;

// An operand's word is slot << 56 | offset; -1 stands for an absent operand.
static inline __global uchar* operand_at(const Arenas* arenas, long word) {
  // By selections: an index would put the bases into memory of their own on a GPU.
  const int slot = (int)(word >> 56);
  const bool is_odd = slot & 1, is_second = slot & 2;
  __global uchar* low01 = is_odd ? arenas->base[1] : arenas->base[0];
  __global uchar* low23 = is_odd ? arenas->base[3] : arenas->base[2];
  __global uchar* high45 = is_odd ? arenas->base[5] : arenas->base[4];
  __global uchar* high67 = is_odd ? arenas->base[7] : arenas->base[6];
  __global uchar* low = is_second ? low23 : low01;
  __global uchar* high = is_second ? high67 : high45;
  return (slot & 4 ? high : low) + (word & 0x00ffffffffffffffL);
}
#define OPERAND(type, name) ((__global type*)operand_at(&arenas, words[WORD_##name]))
#define INTEGER(name) (words[WORD_##name])
#define FLOAT(name) (as_float((int)words[WORD_##name]))

// Sixteen floats at any float's address, as vstore16, which is four stores on PoCL where this is one.
typedef float16 __attribute__((aligned(4))) Floats16;
static inline void put16(float16 v, long i, __global float* p) { ((__global Floats16*)p)[i] = v; }

// Sixteen lanes, stored as fp32 or fp16 (vload_half is core OpenCL C 1.0). `element` counts scalars.
static inline float16 load16(__global const uchar* base, long element, const int half_stored) {
  return half_stored ? vload_half16(0, (__global const half*)base + element)
                     : vload16(0, (__global const float*)base + element);
}
static inline void store16(__global uchar* base, long element, float16 v, const int half_stored) {
  if (half_stored) vstore_half16_rte(v, 0, (__global half*)base + element);
  else put16(v, 0, (__global float*)base + element);
}
// Stores past the caches where a compiler for x86 can (PoCL's), for tensors that no cache would hold until they are read
// again: a line that is only written need not be read first. `element` is a multiple of 16.
#define STREAM_FROM 6000000  // elements
#if defined(__x86_64__) && defined(__has_builtin)
#if __has_builtin(__builtin_nontemporal_store)
#define STREAMS 1
#endif
#endif
static inline void stream16(__global uchar* base, long element, float16 v, const int half_stored, bool streams) {
#ifdef STREAMS
  if (streams && !half_stored) return __builtin_nontemporal_store(v, (__global float16*)base + element / 16);
#endif
  store16(base, element, v, half_stored);
}
static inline float load1(__global const uchar* base, long element, const int half_stored) {
  return half_stored ? vload_half(element, (__global const half*)base)
      : ((__global const float*)base)[element];
}
static inline void store1(__global uchar* base, long element, float v, const int half_stored) {
  if (half_stored) vstore_half_rte(v, element, (__global half*)base);
  else ((__global float*)base)[element] = v;
}
