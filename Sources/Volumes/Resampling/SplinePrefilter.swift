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
    let outer = size.x * size.y * size.z / (inner * n)
    voxels.withUnsafeMutableBufferPointer { v in
      for o in 0..<outer {
        filter(v.baseAddress! + o * inner * n, count: n, inner: inner)
      }
    }
  }

  /// Filters `inner` interleaved lines at once: sample i of line x is at `c[i · inner + x]`.
  private static func filter(_ c: UnsafeMutablePointer<Float>, count n: Int, inner: Int) {
    let pole = 3.0.squareRoot() - 2
    let z = Float(pole)
    // The mirrored past repeats with period 2n − 2: Σᵢ (zⁱ + z²ⁿ⁻²⁻ⁱ) c[i] / (1 − z²ⁿ⁻²).
    var power = 1.0
    let fold = Double.pow(pole, n - 1)
    for x in 0..<inner {
      c[x] += Float(fold) * c[(n - 1) * inner + x]
    }
    for i in 1..<max(n - 1, 1) {
      power *= pole
      let mirrored = fold * Double.pow(pole, n - 1 - i)
      if abs(power) < 1e-18 && abs(mirrored) < 1e-18 { continue }
      let (a, b) = (Float(power), Float(mirrored))
      let line = c + i * inner
      for x in 0..<inner { c[x] += (a + b) * line[x] }
    }
    let gain = Float(6 / (1 - fold * fold))
    for x in 0..<inner { c[x] *= gain }
    for i in 1..<n {
      let line = c + i * inner
      let before = line - inner
      for x in 0..<inner { line[x] = 6 * line[x] + z * before[x] }
    }
    let last = c + (n - 1) * inner
    let end = Float(pole / (pole * pole - 1))
    for x in 0..<inner { last[x] = end * (z * (last - inner)[x] + last[x]) }
    for i in stride(from: n - 2, through: 0, by: -1) {
      let line = c + i * inner
      let after = line + inner
      for x in 0..<inner { line[x] = z * (after[x] - line[x]) }
    }
  }
}
