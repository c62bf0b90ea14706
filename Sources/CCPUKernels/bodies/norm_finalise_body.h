// Chan's formula over the chunks in order, in double; then scale, shift, mean and rstd, and the running ones. Batch
// renorm (RUNNING 3 in training, 4 in prediction) keeps a running standard deviation instead of a variance.

#include "scalars.h"

VOXCL_KERNEL(norm_finalise) {
  const long samples = INTEGER(N), channels = INTEGER(C), blocks = over(channels, 16),
      voxels = INTEGER(voxels);
  const long chunk_voxels = INTEGER(chunkVoxels), padded = 16 * blocks;
  const int batch = (int)DEFINE(BATCH), running = (int)DEFINE(RUNNING);
  const float *partials = OPERAND(float, partials), *gamma = OPERAND(float, gamma),
      *beta = OPERAND(float, beta);
  const float *bias = OPERAND(float, bias);
  float *scale = OPERAND(float, scale), *shift = scale + samples * padded;
  float *mean_out = OPERAND(float, mean), *rstd_out = mean_out + samples * padded;
  float *running_mean = OPERAND(float, runningMean), *running_variance = OPERAND(float, runningVariance);
  const float *scalars = running == 3 ? OPERAND(float, scalars) : 0;
  float *renorm = running == 3 ? OPERAND(float, renorm) : 0;
  const int trains = running == 1 || running == 3, predicts = running == 2 || running == 4;
  const double epsilon = FLOAT(epsilonBits), momentum = FLOAT(momentumBits);
  const long chunks = predicts ? 0 : over(voxels, chunk_voxels);
  for (long c = group; c < padded; c += groups) {
    double count = 0, mean = 0, squares = 0, batch_mean = 0, batch_variance = 0;
    for (long n = 0; n < samples; n++) {
      if (!batch) count = mean = squares = 0;
      for (long chunk = 0; chunk < chunks; chunk++) {
        const float *part = partials + ((n * blocks + c / 16) * chunks + chunk) * 32 + c % 16;
        const double added = (double)least(chunk_voxels, voxels - chunk * chunk_voxels),
            total = count + added;
        const double delta = part[0] - mean;
        mean += delta * (added / total);
        squares += part[16] + delta * delta * (count * added / total);
        count = total;
      }
      if (batch && n < samples - 1) continue;
      double variance = count > 0 ? squares / count : 0;
      double deviation = sqrt(variance + epsilon);
      if (trains) {  // instance norm: the mean over samples
        const double share = batch ? 1.0 : 1.0 / (double)samples;
        batch_mean += share * mean;
        batch_variance += share * (running == 3 ? deviation : squares / fmax(1.0, count - 1));
      }
      const double offset = bias && c < channels ? bias[c] : 0;
      if (predicts && c < channels) {
        mean = running_mean[c] - offset;
        deviation = running == 4 ? running_variance[c] : sqrt(running_variance[c] + epsilon);
      }
      const double rstd = 1 / deviation, weight = c < channels ? (gamma ? gamma[c] : 1) : 0;
      double factor = weight * rstd, constant = beta && c < channels ? beta[c] : 0;
      if (running == 3) {
        const double most = scalars[SCALAR_renormRMax], reach = scalars[SCALAR_renormDMax];
        const double spread = c < channels ? running_variance[c] : 1;
        const double r = fmin(most, fmax(1 / most, deviation / spread));
        const double d = fmin(reach, fmax(-reach, c < channels ? (mean + offset - running_mean[c]) / spread : 0));
        renorm[c] = (float)r, renorm[padded + c] = (float)d;
        factor *= r, constant += weight * d;
      }
      for (long to = batch ? 0 : n; to <= n; to++) {
        const long at = to * padded + c;
        scale[at] = (float)factor;
        shift[at] = c < channels ? (float)(constant - mean * factor) : 0;
        mean_out[at] = c < channels ? (float)mean : 0;
        rstd_out[at] = c < channels ? (float)rstd : 0;
      }
    }
    if (trains && c < channels) {
      const double offset = bias ? bias[c] : 0;
      running_mean[c] = (float)(running_mean[c] + momentum * (batch_mean + offset - running_mean[c]));
      running_variance[c] = (float)(running_variance[c] + momentum * (batch_variance - running_variance[c]));
    }
  }
}
