#include "../real64.h"
#include "../kernels/chain_backward.c"
