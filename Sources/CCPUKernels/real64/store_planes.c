#include "../real64.h"
#include "../kernels/store_planes.c"
