#include "../real64.h"
#include "../kernels/materialise.c"
