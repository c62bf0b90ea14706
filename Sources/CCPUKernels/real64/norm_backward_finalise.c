#include "../real64.h"
#include "../kernels/norm_backward_finalise.c"
