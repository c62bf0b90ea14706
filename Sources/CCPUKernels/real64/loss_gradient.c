#include "../real64.h"
#include "../kernels/loss_gradient.c"
