// OpenCL loaded at run time: the types and constants come from the system headers, the functions from
// whatever libOpenCL is there when the program runs. Nothing here makes the linker need that library.
#pragma once

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

// Every entry point that the backend calls, all of them OpenCL 1.2.
#define OPENCL_ENTRY_POINTS(X)                                                         \
  X(clGetPlatformIDs) X(clGetPlatformInfo) X(clGetDeviceIDs) X(clGetDeviceInfo)        \
  X(clCreateContext) X(clReleaseContext) X(clCreateCommandQueue) X(clReleaseCommandQueue) \
  X(clCreateBuffer) X(clReleaseMemObject)                                              \
  X(clEnqueueFillBuffer) X(clEnqueueWriteBuffer) X(clEnqueueReadBuffer)                \
  X(clEnqueueMapBuffer) X(clEnqueueUnmapMemObject)                                     \
  X(clCreateProgramWithSource) X(clCreateProgramWithBinary) X(clBuildProgram)          \
  X(clGetProgramBuildInfo) X(clGetProgramInfo) X(clReleaseProgram)                     \
  X(clCreateKernel) X(clSetKernelArg) X(clReleaseKernel) X(clEnqueueNDRangeKernel)     \
  X(clGetEventProfilingInfo) X(clReleaseEvent) X(clFlush) X(clFinish)

// A field for each, with the header's own type.
typedef struct {
#define OPENCL_FIELD(name) __typeof__(&name) name;
  OPENCL_ENTRY_POINTS(OPENCL_FIELD)
#undef OPENCL_FIELD
} OpenCLEntryPoints;

// Opens the library on the first call, from any thread; NULL where there is none or it lacks a function.
const OpenCLEntryPoints *opencl_entry_points(void);

// `CL_OUT_OF_RESOURCES` for -5; NULL for a number that OpenCL 1.2 does not name.
const char *opencl_status_name(cl_int status);
