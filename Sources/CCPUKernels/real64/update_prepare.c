#include "../real64.h"
#include "../kernels/update_prepare.c"
