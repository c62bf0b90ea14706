#include "../real64.h"
#include "../kernels/conv3d.c"
