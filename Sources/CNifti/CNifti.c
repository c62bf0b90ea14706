// SwiftPM wants one source file in a C target; everything else is libnifti's.
#include "CNifti.h"
