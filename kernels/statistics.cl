// Statistics of sets of values, lane by lane, and of their union.
#include "segment.cl"

typedef struct {
  float16 mean, m2;  // m2: Σ(z − mean)²
  float count;
} Statistics;

// Adds a set: Chan, Golub & LeVeque (1983).
static inline void combine(Statistics* s, float16 mean, float16 m2, float count) {
  const float all = s->count + count;
  const float16 delta = mean - s->mean;
  s->mean += delta * (count / all);
  s->m2 += m2 + delta * delta * (s->count * count / all);
  s->count = all;
}
