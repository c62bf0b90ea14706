// The files of kernels/, embedded: the program carries its kernels wherever it is moved.
#pragma once

#include <stddef.h>

// Text of `name`.cl, not terminated; NULL where there is no such file.
const char *kernel_text(const char *name, size_t *count);
