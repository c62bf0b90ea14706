// Fixed scratch of a thread, for kernels whose slot in the arena is too small for the CPU's variant.
#pragma once

enum { SCRATCH_FLOATS = 1 << 20 };

/// SCRATCH_FLOATS floats, 64-byte aligned, private to the calling thread; freed with it.
float *voxcl_scratch(void);
