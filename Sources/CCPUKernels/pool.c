// A fork-join pool: one job at a time, its groups handed out by an atomic counter. Which thread runs a
// group does not matter to the result, because groups share nothing.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "include/CCPUKernels.h"

struct voxcl_pool {
  int workers;  // besides the calling thread
  pthread_t *threads;
  pthread_mutex_t mutex;
  pthread_cond_t wake, done;
  voxcl_kernel kernel;
  const struct voxcl_call *call;
  int64_t groups;
  _Atomic int64_t next;
  _Atomic uint64_t generation;  // counts jobs; odd bits mean nothing
  _Atomic int busy;             // workers that have not finished the current job
  _Atomic int stop;
};

// Spins before sleeping: a call of a deep level lasts less than a wake-up.
enum { SPINS = 4000 };

static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

static void work(struct voxcl_pool *pool) {
  for (;;) {
    const int64_t group = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
    if (group >= pool->groups) return;
    pool->kernel(pool->call, group, pool->groups);
  }
}

static void *worker(void *argument) {
  struct voxcl_pool *pool = argument;
  uint64_t seen = 0;
  for (;;) {
    for (int i = 0; i < SPINS && atomic_load(&pool->generation) == seen; i++) relax();
    if (atomic_load(&pool->generation) == seen) {
      pthread_mutex_lock(&pool->mutex);
      while (atomic_load(&pool->generation) == seen) pthread_cond_wait(&pool->wake, &pool->mutex);
      pthread_mutex_unlock(&pool->mutex);
    }
    seen = atomic_load(&pool->generation);
    if (atomic_load(&pool->stop)) return NULL;
    work(pool);
    if (atomic_fetch_sub(&pool->busy, 1) == 1) {
      pthread_mutex_lock(&pool->mutex);
      pthread_cond_signal(&pool->done);
      pthread_mutex_unlock(&pool->mutex);
    }
  }
}

static void announce(struct voxcl_pool *pool) {
  pthread_mutex_lock(&pool->mutex);
  atomic_fetch_add(&pool->generation, 1);
  pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->mutex);
}

struct voxcl_pool *voxcl_pool_create(int threads) {
  struct voxcl_pool *pool = calloc(1, sizeof *pool);
  if (!pool) return NULL;
  pthread_mutex_init(&pool->mutex, NULL);
  pthread_cond_init(&pool->wake, NULL);
  pthread_cond_init(&pool->done, NULL);
  pool->threads = calloc((size_t)(threads > 1 ? threads : 1), sizeof(pthread_t));
  for (int i = 1; pool->threads && i < threads; i++) {
    if (pthread_create(&pool->threads[pool->workers], NULL, worker, pool)) break;
    pool->workers++;
  }
  if (!pool->threads || pool->workers + 1 < threads) {
    voxcl_pool_destroy(pool);
    return NULL;
  }
  return pool;
}

void voxcl_pool_destroy(struct voxcl_pool *pool) {
  if (!pool) return;
  atomic_store(&pool->stop, 1);
  announce(pool);
  for (int i = 0; i < pool->workers; i++) pthread_join(pool->threads[i], NULL);
  free(pool->threads);
  pthread_cond_destroy(&pool->done);
  pthread_cond_destroy(&pool->wake);
  pthread_mutex_destroy(&pool->mutex);
  free(pool);
}

void voxcl_pool_run(struct voxcl_pool *pool, voxcl_kernel kernel, const struct voxcl_call *call,
    int64_t groups) {
  if (groups == 1 || pool->workers == 0) {
    for (int64_t group = 0; group < groups; group++) kernel(call, group, groups);
    return;
  }
  pool->kernel = kernel;
  pool->call = call;
  pool->groups = groups;
  atomic_store(&pool->next, 0);
  atomic_store(&pool->busy, pool->workers);
  announce(pool);
  work(pool);
  for (int i = 0; i < SPINS && atomic_load(&pool->busy); i++) relax();
  if (atomic_load(&pool->busy)) {
    pthread_mutex_lock(&pool->mutex);
    while (atomic_load(&pool->busy)) pthread_cond_wait(&pool->done, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
  }
}

void *voxcl_map_zeroed(size_t bytes) {
  void *base = mmap(NULL, bytes ? bytes : 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) return NULL;
#if defined(MADV_HUGEPAGE)
  madvise(base, bytes, MADV_HUGEPAGE);  // a convolution walks many rows at once
#endif
  return base;
}

void voxcl_unmap(void *base, size_t bytes) { munmap(base, bytes ? bytes : 1); }

double voxcl_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
