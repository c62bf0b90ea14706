// Windows of pools along one axis. Shared by all instruction sets.
#pragma once

struct pool_axis {
  long in, out, window, stride, pad;
};
// The part of window `at` that lies inside the input.
static inline void window_at(const struct pool_axis *a, long at, long *from, long *to) {
  *from = most(0, at * a->stride - a->pad);
  *to = least(a->in, at * a->stride - a->pad + a->window);
}
// Windows that hold input index `at`.
static inline void windows_with(const struct pool_axis *a, long at, long *from, long *to) {
  *from = over(most(0, at + a->pad - a->window + 1), a->stride);
  *to = least(a->out, (at + a->pad) / a->stride + 1);
}
#define POOL_AXES                                                                                          \
  {{INTEGER(inD), INTEGER(outD), INTEGER(windowD), INTEGER(strideD), INTEGER(padD)},                       \
   {INTEGER(inH), INTEGER(outH), INTEGER(windowH), INTEGER(strideH), INTEGER(padH)},                       \
   {INTEGER(inW), INTEGER(outW), INTEGER(windowW), INTEGER(strideW), INTEGER(padW)}}
enum { POOL_max, POOL_mean, POOL_mean_inside };
