#include "../real64.h"
#include "../kernels/prelu.c"
