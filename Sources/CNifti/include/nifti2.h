#include <nifti/nifti2.h>
