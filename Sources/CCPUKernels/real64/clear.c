#include "../real64.h"
#include "../kernels/clear.c"
