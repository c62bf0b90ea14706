#include "../real64.h"
#include "../kernels/grad_weight_reduce.c"
