#include "CKernelText.h"

#include <string.h>

// #embed cannot stand in a macro, so each file has its lines.
static const char segment_text[] = {
#if __has_embed("../../kernels/segment.cl")
#embed "../../kernels/segment.cl"
#else
0
#endif
};
static const char stage_text[] = {
#if __has_embed("../../kernels/stage.cl")
#embed "../../kernels/stage.cl"
#else
0
#endif
};
static const char conv3d_text[] = {
#if __has_embed("../../kernels/conv3d.cl")
#embed "../../kernels/conv3d.cl"
#else
0
#endif
};
static const char conv3d_winograd_text[] = {
#if __has_embed("../../kernels/conv3d_winograd.cl")
#embed "../../kernels/conv3d_winograd.cl"
#else
0
#endif
};
static const char pack_weights_text[] = {
#if __has_embed("../../kernels/pack_weights.cl")
#embed "../../kernels/pack_weights.cl"
#else
0
#endif
};
static const char winograd_weights_text[] = {
#if __has_embed("../../kernels/winograd_weights.cl")
#embed "../../kernels/winograd_weights.cl"
#else
0
#endif
};
static const char conv3d_grad_weight_text[] = {
#if __has_embed("../../kernels/conv3d_grad_weight.cl")
#embed "../../kernels/conv3d_grad_weight.cl"
#else
0
#endif
};
static const char grad_weight_reduce_text[] = {
#if __has_embed("../../kernels/grad_weight_reduce.cl")
#embed "../../kernels/grad_weight_reduce.cl"
#else
0
#endif
};
static const char channel_sums_text[] = {
#if __has_embed("../../kernels/channel_sums.cl")
#embed "../../kernels/channel_sums.cl"
#else
0
#endif
};
static const char bias_gradient_text[] = {
#if __has_embed("../../kernels/bias_gradient.cl")
#embed "../../kernels/bias_gradient.cl"
#else
0
#endif
};
static const char norm_statistics_text[] = {
#if __has_embed("../../kernels/norm_statistics.cl")
#embed "../../kernels/norm_statistics.cl"
#else
0
#endif
};
static const char norm_finalise_text[] = {
#if __has_embed("../../kernels/norm_finalise.cl")
#embed "../../kernels/norm_finalise.cl"
#else
0
#endif
};
static const char norm_backward_sums_text[] = {
#if __has_embed("../../kernels/norm_backward_sums.cl")
#embed "../../kernels/norm_backward_sums.cl"
#else
0
#endif
};
static const char norm_backward_finalise_text[] = {
#if __has_embed("../../kernels/norm_backward_finalise.cl")
#embed "../../kernels/norm_backward_finalise.cl"
#else
0
#endif
};
static const char chain_backward_text[] = {
#if __has_embed("../../kernels/chain_backward.cl")
#embed "../../kernels/chain_backward.cl"
#else
0
#endif
};
static const char dropout_keep_text[] = {
#if __has_embed("../../kernels/dropout_keep.cl")
#embed "../../kernels/dropout_keep.cl"
#else
0
#endif
};
static const char max_pool_text[] = {
#if __has_embed("../../kernels/max_pool.cl")
#embed "../../kernels/max_pool.cl"
#else
0
#endif
};
static const char max_pool_backward_text[] = {
#if __has_embed("../../kernels/max_pool_backward.cl")
#embed "../../kernels/max_pool_backward.cl"
#else
0
#endif
};
static const char materialise_text[] = {
#if __has_embed("../../kernels/materialise.cl")
#embed "../../kernels/materialise.cl"
#else
0
#endif
};
static const char map_backward_text[] = {
#if __has_embed("../../kernels/map_backward.cl")
#embed "../../kernels/map_backward.cl"
#else
0
#endif
};
static const char loss_sums_text[] = {
#if __has_embed("../../kernels/loss_sums.cl")
#embed "../../kernels/loss_sums.cl"
#else
0
#endif
};
static const char loss_finalise_text[] = {
#if __has_embed("../../kernels/loss_finalise.cl")
#embed "../../kernels/loss_finalise.cl"
#else
0
#endif
};
static const char loss_gradient_text[] = {
#if __has_embed("../../kernels/loss_gradient.cl")
#embed "../../kernels/loss_gradient.cl"
#else
0
#endif
};
static const char probabilities_text[] = {
#if __has_embed("../../kernels/probabilities.cl")
#embed "../../kernels/probabilities.cl"
#else
0
#endif
};
static const char clear_text[] = {
#if __has_embed("../../kernels/clear.cl")
#embed "../../kernels/clear.cl"
#else
0
#endif
};
static const char gradient_norm_text[] = {
#if __has_embed("../../kernels/gradient_norm.cl")
#embed "../../kernels/gradient_norm.cl"
#else
0
#endif
};
static const char update_prepare_text[] = {
#if __has_embed("../../kernels/update_prepare.cl")
#embed "../../kernels/update_prepare.cl"
#else
0
#endif
};
static const char optimizer_step_text[] = {
#if __has_embed("../../kernels/optimizer_step.cl")
#embed "../../kernels/optimizer_step.cl"
#else
0
#endif
};

#define FILES(X) \
  X(segment) X(stage) X(conv3d) X(conv3d_winograd) X(pack_weights) \
  X(winograd_weights) X(conv3d_grad_weight) X(grad_weight_reduce) X(channel_sums) \
  X(bias_gradient) X(norm_statistics) X(norm_finalise) X(norm_backward_sums) \
  X(norm_backward_finalise) X(chain_backward) X(dropout_keep) X(max_pool) \
  X(max_pool_backward) X(materialise) X(map_backward) X(loss_sums) \
  X(loss_finalise) X(loss_gradient) X(probabilities) X(clear) \
  X(gradient_norm) X(update_prepare) X(optimizer_step)

static const struct {
  const char *name, *text;
  size_t count;
} files[] = {
#define ROW(name) {#name, name##_text, sizeof name##_text},
    FILES(ROW)
#undef ROW
};

const char *kernel_text(const char *name, size_t *count) {
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    if (strcmp(files[i].name, name) || files[i].count == 1) continue;
    *count = files[i].count;
    return files[i].text;
  }
  return NULL;
}
