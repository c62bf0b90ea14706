#include "../real64.h"
#include "../kernels/probabilities.c"
