#include "../real64.h"
#include "../kernels/group_norm_backward_finalise.c"
