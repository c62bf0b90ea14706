#include "../real64.h"
#include "../kernels/norm_backward_sums.c"
