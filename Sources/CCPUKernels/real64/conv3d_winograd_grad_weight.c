#include "../real64.h"
#include "../kernels/conv3d_winograd_grad_weight.c"
