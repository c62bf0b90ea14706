#include "../real64.h"
#include "../kernels/norm_statistics.c"
