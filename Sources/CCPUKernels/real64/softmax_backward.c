#include "../real64.h"
#include "../kernels/softmax_backward.c"
