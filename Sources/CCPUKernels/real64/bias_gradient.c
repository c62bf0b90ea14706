#include "../real64.h"
#include "../kernels/bias_gradient.c"
