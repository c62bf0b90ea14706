#include "../real64.h"
#include "../kernels/pack_weights.c"
