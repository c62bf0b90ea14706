#include "../real64.h"
#include "../kernels/optimizer_step.c"
