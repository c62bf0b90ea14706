// Sixteen neighbouring voxels of planar fp32 logits and their targets: the losses go lane by voxel.

#ifndef VOXCL_LOSS_VOXELS_H
#define VOXCL_LOSS_VOXELS_H
struct loss_input {
  const float *logits, *class_weights;
  const void *target;  // Int32 class indices, or fp32 values
  long channels, voxels, ignore;
  int sigmoid, dense, entropy, squared;
  float focus, clip;
};
enum { ENTROPY_plain, ENTROPY_clipped, ENTROPY_focal, ENTROPY_twice, ENTROPY_linear };
// What 16 voxels have in common for all classes. `counted` is 0 in the lanes that count nowhere.
struct loss_voxels {
  v16 top, log_sum, inverse_sum;  // softmax: largest logit; log Σ e^(x − top); 1 / Σ
  v16i counted, label;
};
#define LOSS_INPUT                                                                                   \
  (struct loss_input){.logits = OPERAND(float, logits), .class_weights = OPERAND(float, classWeights), \
                      .target = OPERAND(void, target), .channels = INTEGER(C),                       \
                      .voxels = INTEGER(voxels), .ignore = INTEGER(ignore),                          \
                      .sigmoid = (int)DEFINE(SIGMOID), .dense = (int)DEFINE(TARGET),                 \
                      .entropy = (int)DEFINE(ENTROPY), .squared = (int)DEFINE(SQUARED),              \
                      .focus = FLOAT(gammaBits), .clip = FLOAT(clipBits)}
#define loss_row VOXCL_NAME(loss_row)
#define loss_voxels_at VOXCL_NAME(loss_voxels_at)
#define loss_target VOXCL_NAME(loss_target)
#define loss_probability VOXCL_NAME(loss_probability)
#define softmax_terms VOXCL_NAME(softmax_terms)
#define powers16 VOXCL_NAME(powers16)
#define softplus16 VOXCL_NAME(softplus16)
#define loss_again VOXCL_NAME(loss_again)
#define loss_counted VOXCL_NAME(loss_counted)
#endif

// `count` neighbours of class c, 0 in the other lanes.
INLINE v16 loss_row(const float *planar, long channels, long voxels, long n, long c, long voxel, long count) {
  const float *from = planar + (n * channels + c) * voxels + voxel;
  if (count == 16) return load16(from, 0, 0);
  v16 v = splat16(0);
  memcpy(&v, from, (size_t)count * sizeof(float));
  return v;
}

INLINE void softmax_terms(const float *logits, long channels, long voxels, long n, long voxel, long count,
                          v16 *top, v16 *sum) {
  v16 largest = loss_row(logits, channels, voxels, n, 0, voxel, count), total = splat16(0);
  for (long c = 1; c < channels; c++) {
    const v16 x = loss_row(logits, channels, voxels, n, c, voxel, count);
    largest = select16(x > largest, x, largest);
  }
  for (long c = 0; c < channels; c++)
    total += exp16(loss_row(logits, channels, voxels, n, c, voxel, count) - largest);
  *top = largest;
  *sum = total;
}

INLINE struct loss_voxels loss_voxels_at(const struct loss_input *in, long n, long voxel, long count) {
  struct loss_voxels v = {.top = splat16(0), .log_sum = splat16(0), .inverse_sum = splat16(0)};
  v.counted = lanes_below(count);
  v.label = v.counted - v.counted;
  if (!in->dense) {
    const int32_t *labels = (const int32_t *)in->target + n * in->voxels + voxel;
    for (long i = 0; i < count; i++) v.label[i] = labels[i];
    v.counted &= (v.label >= 0) & (v.label != (int32_t)in->ignore) & (v.label < (int32_t)in->channels);
  }
  if (!in->sigmoid) {
    v16 sum;
    softmax_terms(in->logits, in->channels, in->voxels, n, voxel, count, &v.top, &sum);
    for (long i = 0; i < 16; i++) v.log_sum[i] = logf(sum[i]);
    v.inverse_sum = 1.0f / sum;
  }
  return v;
}

INLINE v16 loss_target(const struct loss_input *in, const struct loss_voxels *v, long n, long c, long voxel,
                       long count) {
  if (in->dense) return loss_row((const float *)in->target, in->channels, in->voxels, n, c, voxel, count);
  return select16(v->label == (int32_t)c, splat16(1), splat16(0));
}
INLINE v16 loss_probability(const struct loss_input *in, const struct loss_voxels *v, v16 logit) {
  return in->sigmoid ? sigmoid16(logit) : exp16(logit - v->top) * v->inverse_sum;
}
// Where a dense target is negative, the element does not count.
INLINE v16i loss_counted(const struct loss_input *in, const struct loss_voxels *v, v16 y) {
  return in->dense && in->entropy != ENTROPY_linear ? v->counted & (v16i)(y >= 0.0f) : v->counted;
}
HELPER void powers16(v16 *base, float exponent) { for (int i = 0; i < 16; i++) (*base)[i] = powf((*base)[i], exponent); }
// log(1 + eˣ) = −log(1 − σ(x)).
HELPER void softplus16(v16 *x) {
  for (int i = 0; i < 16; i++) (*x)[i] = fmaxf((*x)[i], 0) + log1pf(expf(-fabsf((*x)[i])));
}
// Σ exp(p) over the classes.
INLINE v16 loss_again(const struct loss_input *in, const struct loss_voxels *v, long n, long voxel, long count) {
  v16 sum = splat16(0);
  for (long c = 0; c < in->channels; c++)
    sum += exp16(loss_probability(in, v, loss_row(in->logits, in->channels, in->voxels, n, c, voxel, count)));
  return sum;
}
