#include "../real64.h"
#include "../kernels/prelu_backward.c"
