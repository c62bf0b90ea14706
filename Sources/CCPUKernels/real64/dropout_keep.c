#include "../real64.h"
#include "../kernels/dropout_keep.c"
