// Every kernel by name and instruction set.
#include <string.h>

#include "include/CCPUKernels.h"

#define EACH_KERNEL(X) \
  X(conv3d) X(conv3d_winograd) X(pack_weights) X(winograd_weights) X(conv3d_grad_weight) \
  X(grad_weight_reduce) X(channel_sums) X(bias_gradient) X(norm_statistics) X(merge_statistics) X(norm_finalise) \
  X(norm_backward_sums) X(norm_backward_finalise) X(chain_backward) X(dropout_keep) X(max_pool) \
  X(max_pool_backward) X(materialise) X(map_backward) X(loss_sums) X(loss_finalise) X(loss_gradient) \
  X(probabilities) X(clear) X(gradient_norm) X(update_prepare) X(optimizer_step) X(combine) \
  X(channel_dot) X(group_norm_finalise) X(group_norm_backward_finalise) X(prelu) X(prelu_backward) \
  X(prelu_slope) X(pick_target) X(channel_slice) X(pool) X(pool_backward) X(resample) \
  X(resample_backward) X(softmax) X(softmax_backward) X(conv3d_winograd_grad_weight) \
  X(device_limit) X(store_planes)

#if defined(__x86_64__)
#define DECLARE(name)                                                            \
  void voxcl_##name##_baseline(const struct voxcl_call *, int64_t, int64_t);     \
  void voxcl_##name##_avx2(const struct voxcl_call *, int64_t, int64_t);         \
  void voxcl_##name##_avx512(const struct voxcl_call *, int64_t, int64_t);       \
  void voxcl_##name##_real64(const struct voxcl_call *, int64_t, int64_t);
#define ROW(name) {#name, {voxcl_##name##_baseline, voxcl_##name##_avx2, voxcl_##name##_avx512, voxcl_##name##_real64}},
#else
#define DECLARE(name)                                                        \
  void voxcl_##name##_baseline(const struct voxcl_call *, int64_t, int64_t); \
  void voxcl_##name##_real64(const struct voxcl_call *, int64_t, int64_t);
#define ROW(name) {#name, {voxcl_##name##_baseline, 0, 0, voxcl_##name##_real64}},
#endif

EACH_KERNEL(DECLARE)

static const struct {
  const char *name;
  voxcl_kernel variant[voxcl_isa_count];
} table[] = {EACH_KERNEL(ROW)};

voxcl_kernel voxcl_cpu_kernel(const char *name, int isa) {
  if (isa < 0 || isa >= voxcl_isa_count) return 0;
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (strcmp(table[i].name, name) == 0) return table[i].variant[isa];
  return 0;
}

int voxcl_cpu_supports(int isa) {
  if (isa == voxcl_isa_baseline || isa == voxcl_isa_real64) return 1;
#if defined(__x86_64__)
  if (isa == voxcl_isa_avx2)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  if (isa == voxcl_isa_avx512)
    return voxcl_cpu_supports(voxcl_isa_avx2) && __builtin_cpu_supports("avx512f")
           && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")
           && __builtin_cpu_supports("avx512dq");
#endif
  return 0;
}
