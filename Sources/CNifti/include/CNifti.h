#pragma once
// libnifti's own header includes <znzlib.h> and <nifti1.h>; Debian keeps both under nifti/, so two
// forwarding headers stand beside this one.
#include <nifti/nifti1_io.h>
