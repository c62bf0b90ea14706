#include "../real64.h"
#include "../kernels/softmax.c"
