#include "../real64.h"
#include "../kernels/pick_target.c"
