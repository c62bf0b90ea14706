#include "../real64.h"
#include "../kernels/device_limit.c"
