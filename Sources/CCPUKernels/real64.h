// The kernels in double precision: `float` is double everywhere behind this line. A test's measure for gradients, not
// a fast path. Files in real64/ include this first, then the kernel's own file; arenas then hold eight bytes for every
// fp32 element, and all offsets are twice the plan's.
#pragma once
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define VOXCL_REAL64 1
#define float double
#define expf exp
#define expm1f expm1
#define logf log
#define log1pf log1p
#define sqrtf sqrt
#define fabsf fabs
#define fmaxf fmax
#define fminf fmin
#define fmaf fma
#define floorf floor
#define erff erf
#define tanhf tanh
#define powf pow
#define lrintf lrint
