#include "CKernelText.h"

#include <string.h>

// #embed cannot stand in a macro, so each file has its lines.
static const char arenas_text[] = {
#embed "../../kernels/arenas.cl"
};
static const char segment_text[] = {
#embed "../../kernels/segment.cl"
};
static const char transpose_text[] = {
#embed "../../kernels/transpose.cl"
};
static const char filter_taps_text[] = {
#embed "../../kernels/filter_taps.cl"
};
static const char lanes_text[] = {
#embed "../../kernels/lanes.cl"
};
static const char winograd_filter_text[] = {
#embed "../../kernels/winograd_filter.cl"
};
static const char winograd_pairs_text[] = {
#embed "../../kernels/winograd_pairs.cl"
};
static const char winograd_products_text[] = {
#embed "../../kernels/winograd_products.cl"
};
static const char winograd_multiply_text[] = {
#embed "../../kernels/winograd_multiply.cl"
};
static const char winograd_tiles_text[] = {
#embed "../../kernels/winograd_tiles.cl"
};
static const char winograd_text[] = {
#embed "../../kernels/winograd.cl"
};
static const char winograd_adjoint_text[] = {
#embed "../../kernels/winograd_adjoint.cl"
};
static const char stage_text[] = {
#embed "../../kernels/stage.cl"
};
static const char fetch_text[] = {
#embed "../../kernels/fetch.cl"
};
static const char grad_weight_sums_text[] = {
#embed "../../kernels/grad_weight_sums.cl"
};
static const char sink_text[] = {
#embed "../../kernels/sink.cl"
};
static const char columns_text[] = {
#embed "../../kernels/columns.cl"
};
static const char conv3d_columns_text[] = {
#embed "../../kernels/conv3d_columns.cl"
};
static const char conv3d_text[] = {
#embed "../../kernels/conv3d.cl"
};
static const char conv3d_winograd_text[] = {
#embed "../../kernels/conv3d_winograd.cl"
};
static const char pack_weights_text[] = {
#embed "../../kernels/pack_weights.cl"
};
static const char winograd_weights_text[] = {
#embed "../../kernels/winograd_weights.cl"
};
static const char conv3d_grad_weight_text[] = {
#embed "../../kernels/conv3d_grad_weight.cl"
};
static const char grad_weight_reduce_text[] = {
#embed "../../kernels/grad_weight_reduce.cl"
};
static const char channel_sums_text[] = {
#embed "../../kernels/channel_sums.cl"
};
static const char bias_gradient_text[] = {
#embed "../../kernels/bias_gradient.cl"
};
static const char vector_sums_text[] = {
#embed "../../kernels/vector_sums.cl"
};
static const char norm_statistics_text[] = {
#embed "../../kernels/norm_statistics.cl"
};
static const char norm_finalise_text[] = {
#embed "../../kernels/norm_finalise.cl"
};
static const char norm_backward_sums_text[] = {
#embed "../../kernels/norm_backward_sums.cl"
};
static const char norm_backward_finalise_text[] = {
#embed "../../kernels/norm_backward_finalise.cl"
};
static const char chain_backward_text[] = {
#embed "../../kernels/chain_backward.cl"
};
static const char dropout_keep_text[] = {
#embed "../../kernels/dropout_keep.cl"
};
static const char max_pool_text[] = {
#embed "../../kernels/max_pool.cl"
};
static const char max_pool_backward_text[] = {
#embed "../../kernels/max_pool_backward.cl"
};
static const char materialise_text[] = {
#embed "../../kernels/materialise.cl"
};
static const char map_backward_text[] = {
#embed "../../kernels/map_backward.cl"
};
static const char loss_sums_text[] = {
#embed "../../kernels/loss_sums.cl"
};
static const char loss_finalise_text[] = {
#embed "../../kernels/loss_finalise.cl"
};
static const char loss_gradient_text[] = {
#embed "../../kernels/loss_gradient.cl"
};
static const char probabilities_text[] = {
#embed "../../kernels/probabilities.cl"
};
static const char clear_text[] = {
#embed "../../kernels/clear.cl"
};
static const char gradient_norm_text[] = {
#embed "../../kernels/gradient_norm.cl"
};
static const char update_prepare_text[] = {
#embed "../../kernels/update_prepare.cl"
};
static const char optimizer_step_text[] = {
#embed "../../kernels/optimizer_step.cl"
};
static const char voxels_text[] = {
#embed "../../kernels/voxels.cl"
};
static const char combine_text[] = {
#embed "../../kernels/combine.cl"
};
static const char channel_dot_text[] = {
#embed "../../kernels/channel_dot.cl"
};
static const char group_norm_finalise_text[] = {
#embed "../../kernels/group_norm_finalise.cl"
};
static const char group_norm_backward_finalise_text[] = {
#embed "../../kernels/group_norm_backward_finalise.cl"
};
static const char prelu_text[] = {
#embed "../../kernels/prelu.cl"
};
static const char prelu_backward_text[] = {
#embed "../../kernels/prelu_backward.cl"
};
static const char prelu_slope_text[] = {
#embed "../../kernels/prelu_slope.cl"
};
static const char pick_target_text[] = {
#embed "../../kernels/pick_target.cl"
};
static const char channel_slice_text[] = {
#embed "../../kernels/channel_slice.cl"
};
static const char pool_text[] = {
#embed "../../kernels/pool.cl"
};
static const char pool_backward_text[] = {
#embed "../../kernels/pool_backward.cl"
};
static const char resample_text[] = {
#embed "../../kernels/resample.cl"
};
static const char resample_backward_text[] = {
#embed "../../kernels/resample_backward.cl"
};
static const char softmax_text[] = {
#embed "../../kernels/softmax.cl"
};
static const char softmax_backward_text[] = {
#embed "../../kernels/softmax_backward.cl"
};
static const char resampling_text[] = {
#embed "../../kernels/resampling.cl"
};
static const char conv3d_winograd_grad_weight_text[] = {
#embed "../../kernels/conv3d_winograd_grad_weight.cl"
};
static const char statistics_text[] = {
#embed "../../kernels/statistics.cl"
};
static const char merge_statistics_text[] = {
#embed "../../kernels/merge_statistics.cl"
};
static const char device_limit_text[] = {
#embed "../../kernels/device_limit.cl"
};
static const char store_planes_text[] = {
#embed "../../kernels/store_planes.cl"
};

#define FILES(X) \
  X(arenas) X(segment) X(lanes) X(transpose) X(filter_taps) X(vector_sums) X(sink) X(fetch) X(stage) X(columns) \
  X(conv3d_columns) X(grad_weight_sums) X(conv3d) X(winograd_filter) X(winograd) \
  X(winograd_adjoint) X(winograd_pairs) X(winograd_products) X(winograd_multiply) X(winograd_tiles) \
  X(conv3d_winograd) X(pack_weights) X(winograd_weights) X(conv3d_grad_weight) X(grad_weight_reduce) X(channel_sums) \
  X(bias_gradient) X(norm_statistics) X(norm_finalise) X(norm_backward_sums) \
  X(norm_backward_finalise) X(chain_backward) X(dropout_keep) X(max_pool) \
  X(max_pool_backward) X(materialise) X(map_backward) X(loss_sums) \
  X(loss_finalise) X(loss_gradient) X(probabilities) X(clear) \
  X(gradient_norm) X(update_prepare) X(optimizer_step) X(voxels) X(combine) X(channel_dot) \
  X(group_norm_finalise) X(group_norm_backward_finalise) X(prelu) X(prelu_backward) X(prelu_slope) \
  X(pick_target) X(channel_slice) X(resample) X(resample_backward) X(softmax) X(softmax_backward) \
  X(resampling) X(pool) X(pool_backward) X(conv3d_winograd_grad_weight) X(statistics) X(merge_statistics) \
  X(device_limit) X(store_planes)

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
    if (strcmp(files[i].name, name)) continue;
    *count = files[i].count;
    return files[i].text;
  }
  return NULL;
}
