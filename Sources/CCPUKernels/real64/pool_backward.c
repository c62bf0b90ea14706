#include "../real64.h"
#include "../kernels/pool_backward.c"
