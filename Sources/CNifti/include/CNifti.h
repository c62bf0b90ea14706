#pragma once
// libnifti's second version knows NIfTI-1 and NIfTI-2. Its header includes <nifti1.h>, <nifti2.h> and
// <znzlib.h>, which Debian keeps under nifti/: forwarding headers stand beside this one.
// zlib is used directly as well, because libznz hides the error codes (bad CRC, truncated stream).
#include "nifti1.h"
#include "nifti2.h"
#include "znzlib.h"
#include <nifti/nifti2_io.h>
#include <zlib.h>
