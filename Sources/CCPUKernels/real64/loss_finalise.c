#include "../real64.h"
#include "../kernels/loss_finalise.c"
