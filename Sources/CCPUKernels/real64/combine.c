#include "../real64.h"
#include "../kernels/combine.c"
