import RealModule

/// Turns samples into cubic B-spline coefficients: the recursive filter with pole √3 − 2 along each axis.
///
/// Samples are mirrored about the edge voxels' centres, and the start of the recursion is the exact sum over
/// that extension. Source: Unser, "Splines: a perfect fit for signal and image processing" (1999);
/// scipy.ndimage's `spline_filter(mode="mirror")` gives the same.
enum SplinePrefilter {
  static func apply(along axis: Int, to voxels: inout [Float], size: SIMD3<Int>) {
    let n = size[axis]
    // One voxel is its own spline: the mirror of one sample is that sample.
    guard n > 1 else { return }
    let inner = axis == 0 ? 1 : axis == 1 ? size.x : size.x * size.y
    // Lines side by side are filtered together: enough for vectors, few enough for a cache.
    let width = min(inner, 512)
    let blocks = (inner + width - 1) / width
    let outer = size.x * size.y * size.z / (inner * n)
    voxels.withUnsafeMutableBufferPointer { v in
      let base = v.baseAddress!
      concurrently(outer * blocks) { part in
        for job in part {
          let (o, first) = (job / blocks, job % blocks * width)
          filter(base + o * inner * n + first, count: n, step: inner, lines: min(width, inner - first))
        }
      }
    }
  }

  /// Filters `lines` interleaved lines at once: sample i of line x is at `c[i · step + x]`.
  private static func filter(
    _ c: UnsafeMutablePointer<Float>, count n: Int, step inner: Int, lines: Int
  ) {
    let pole = 3.0.squareRoot() - 2
    let z = Float(pole)
    // The mirrored past repeats with period 2n − 2: Σᵢ (zⁱ + z²ⁿ⁻²⁻ⁱ) c[i] / (1 − z²ⁿ⁻²).
    var power = 1.0
    let fold = Double.pow(pole, n - 1)
    for x in 0..<lines {
      c[x] += Float(fold) * c[(n - 1) * inner + x]
    }
    // 32 voxels away a sample's part is below 1e-18; in long lines so is that of its mirror image.
    for i in 1..<max(1, n > 40 ? 33 : n - 1) {
      power *= pole
      let weight = Float(power + (n > 40 ? 0 : fold * Double.pow(pole, n - 1 - i)))
      let line = c + i * inner
      for x in 0..<lines { c[x] += weight * line[x] }
    }
    let gain = Float(6 / (1 - fold * fold))
    for x in 0..<lines { c[x] *= gain }
    for i in 1..<n {
      let line = c + i * inner
      let before = line - inner
      for x in 0..<lines { line[x] = 6 * line[x] + z * before[x] }
    }
    let last = c + (n - 1) * inner
    let end = Float(pole / (pole * pole - 1))
    for x in 0..<lines { last[x] = end * (z * (last - inner)[x] + last[x]) }
    for i in stride(from: n - 2, through: 0, by: -1) {
      let line = c + i * inner
      let after = line + inner
      for x in 0..<lines { line[x] = z * (after[x] - line[x]) }
    }
  }
}
