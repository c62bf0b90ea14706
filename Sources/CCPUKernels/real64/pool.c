#include "../real64.h"
#include "../kernels/pool.c"
