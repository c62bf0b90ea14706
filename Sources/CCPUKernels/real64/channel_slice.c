#include "../real64.h"
#include "../kernels/channel_slice.c"
