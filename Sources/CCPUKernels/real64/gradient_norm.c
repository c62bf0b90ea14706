#include "../real64.h"
#include "../kernels/gradient_norm.c"
