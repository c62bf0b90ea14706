#include "../real64.h"
#include "../kernels/map_backward.c"
