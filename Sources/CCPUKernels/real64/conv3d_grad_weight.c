#include "../real64.h"
#include "../kernels/conv3d_grad_weight.c"
