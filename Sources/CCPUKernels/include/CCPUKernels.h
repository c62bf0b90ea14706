// The C kernels of the CPU backend, their thread pool, and what this processor can do.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// What one launch reads. `defines` and `words` stand in the order of the kernel's catalogue entry; an
/// operand's word is `slot << 56 | offset`, where slot indexes `arena`; -1 stands for an absent operand.
struct voxcl_call {
  const int64_t *defines;
  const int64_t *words;
  uint8_t *arena[8];
};

/// Does the tiles group, group + groups, group + 2 groups … of a call.
typedef void (*voxcl_kernel)(const struct voxcl_call *call, int64_t group, int64_t groups);

/// `real64`: double precision, see real64.h.
enum voxcl_isa { voxcl_isa_baseline, voxcl_isa_avx2, voxcl_isa_avx512, voxcl_isa_real64, voxcl_isa_count };

/// 1 where this processor (and this build) has the instruction set.
int voxcl_cpu_supports(int isa);

/// The kernel of a catalogue name for an instruction set; NULL where there is none.
voxcl_kernel voxcl_cpu_kernel(const char *name, int isa);

/// Threads that run the groups of a call; the calling thread is one of them.
struct voxcl_pool;
/// NULL where no memory or no thread could be had.
struct voxcl_pool *voxcl_pool_create(int threads);
void voxcl_pool_destroy(struct voxcl_pool *pool);
/// Runs all groups and returns when the last one is done.
void voxcl_pool_run(struct voxcl_pool *pool, voxcl_kernel kernel, const struct voxcl_call *call,
    int64_t groups);

/// Zeroed pages, aligned to 4096 bytes; NULL where the system has none.
void *voxcl_map_zeroed(size_t bytes);
void voxcl_unmap(void *base, size_t bytes);
/// Monotonic seconds.
double voxcl_seconds(void);
