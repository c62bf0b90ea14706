#include "../real64.h"
#include "../kernels/max_pool.c"
