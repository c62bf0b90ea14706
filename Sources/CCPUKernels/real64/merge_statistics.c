#include "../real64.h"
#include "../kernels/merge_statistics.c"
