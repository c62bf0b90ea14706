#include "../real64.h"
#include "../kernels/resample_backward.c"
