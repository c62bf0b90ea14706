// Compiles the file VOXCL_BODY once for every instruction set; VOXCL_NAME(x) gives x the set's suffix.
// Included last by every kernels/<name>.c, after the enums of its words and defines.
#include "lanes_types.h"

// Vectors are passed to inlined functions only, so that no calling convention is at stake.
#pragma clang diagnostic ignored "-Wpsabi"

#if defined(VOXCL_REAL64)
#define VOXCL_ISA real64
#else
#define VOXCL_ISA baseline
#endif
#define VOXCL_LEVEL 0
#include "lanes.h"
#include VOXCL_BODY
#undef VOXCL_ISA
#undef VOXCL_LEVEL

#if defined(__x86_64__) && !defined(VOXCL_REAL64)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define VOXCL_ISA avx2
#define VOXCL_LEVEL 1
#include "lanes.h"
#include VOXCL_BODY
#undef VOXCL_ISA
#undef VOXCL_LEVEL
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c"))), \
                             apply_to = function)
#define VOXCL_ISA avx512
#define VOXCL_LEVEL 2
#include "lanes.h"
#include VOXCL_BODY
#undef VOXCL_ISA
#undef VOXCL_LEVEL
#pragma clang attribute pop
#endif
