#include "../real64.h"
#include "../kernels/winograd_weights.c"
