#include "scratch.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_key(void) { pthread_key_create(&key, free); }

float *voxcl_scratch(void) {
  pthread_once(&once, make_key);
  float *scratch = pthread_getspecific(key);
  if (!scratch) {
    scratch = aligned_alloc(64, SCRATCH_FLOATS * sizeof(double));  // in double precision it is full
    if (!scratch) {  // 8 MiB: a kernel has no way to report it, and a wrong result is worse
      fputs("voxcl: no memory for a thread's 8 MiB of scratch\n", stderr);
      abort();
    }
    pthread_setspecific(key, scratch);
  }
  return scratch;
}
