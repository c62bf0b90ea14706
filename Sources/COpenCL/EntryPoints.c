#define _POSIX_C_SOURCE 200112L  // setenv

#include "COpenCL.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

static OpenCLEntryPoints entry_points;
static bool is_complete;
static pthread_once_t opened = PTHREAD_ONCE_INIT;

static void open_library(void) {
  // PoCL compiles a kernel again for each group size, and once more for any size when it is asked for a program's binary.
  // Ours have groups of one item: the code for any size serves, so that the binary holds it and costs nothing.
  setenv("POCL_WORK_GROUP_SPECIALIZATION", "0", 0);
  void *library = dlopen("libOpenCL.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) return;
  is_complete = true;
#define OPENCL_LOAD(name)                                                \
  entry_points.name = (__typeof__(entry_points.name))dlsym(library, #name); \
  if (!entry_points.name) is_complete = false;
  OPENCL_ENTRY_POINTS(OPENCL_LOAD)
#undef OPENCL_LOAD
  // Never closed: drivers keep threads that outlive their contexts.
}

const OpenCLEntryPoints *opencl_entry_points(void) {
  pthread_once(&opened, open_library);
  return is_complete ? &entry_points : NULL;
}
