#include "../real64.h"
#include "../kernels/resample.c"
