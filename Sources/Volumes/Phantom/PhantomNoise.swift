extension Phantom {
  /// Adds Gaussian noise that neighbours share a little, as a CT's reconstruction makes it: white noise
  /// smoothed by [0.2, 0.6, 0.2] along each axis, scaled to `standardDeviation`.
  static func addBlurredNoise(
    _ values: inout [Float], size: SIMD3<Int>, standardDeviation: Double, seed: UInt64
  ) {
    // The kernel's norm is √0.44 per axis; an axis of one voxel is not smoothed.
    var gain = 1.0
    for axis in 0..<3 where size[axis] > 1 { gain *= 0.44.squareRoot() }
    let deviation = Float(standardDeviation / gain)
    let plane = size.x * size.y
    // Three slices at a time: the noise of a large volume is never held whole.
    var slices = (0..<3).map { _ in [Float](repeating: 0, count: plane) }
    func fill(_ z: Int) {
      slices[z % 3].withUnsafeMutableBufferPointer { slice in
        slice.update(repeating: 0)
        // Each slice is its own sample, so the noise does not depend on how many there are.
        SampleRandom(seed: seed, stream: .phantomNoise, sample: UInt64(z))
          .addNoise(to: slice, standardDeviation: deviation)
        blurSlice(slice, width: size.x, height: size.y)
      }
    }
    fill(0)
    if size.z > 1 { fill(1) }
    for z in 0..<size.z {
      if z > 0 && z + 1 < size.z { fill(z + 1) }
      // At the ends the inner neighbour stands for the missing one.
      let below = z > 0 ? z - 1 : min(1, size.z - 1)
      let above = z + 1 < size.z ? z + 1 : max(0, z - 1)
      values.withUnsafeMutableBufferPointer { values in
        slices[z % 3].withUnsafeBufferPointer { middle in
          slices[below % 3].withUnsafeBufferPointer { below in
            slices[above % 3].withUnsafeBufferPointer { above in
              for index in 0..<plane {
                let noise =
                  size.z > 1 ? 0.6 * middle[index] + 0.2 * (below[index] + above[index]) : middle[index]
                values[z * plane + index] += noise
              }
            }
          }
        }
      }
    }
  }

  private static func blurSlice(
    _ slice: UnsafeMutableBufferPointer<Float>, width: Int, height: Int
  ) {
    for y in 0..<height { blurLine(slice, start: y * width, stride: 1, count: width) }
    for x in 0..<width { blurLine(slice, start: x, stride: width, count: height) }
  }

  private static func blurLine(
    _ values: UnsafeMutableBufferPointer<Float>, start: Int, stride: Int, count: Int
  ) {
    guard count > 1 else { return }
    var previous = values[start + stride]
    for index in 0..<count {
      let here = values[start + index * stride]
      let next = index + 1 < count ? values[start + (index + 1) * stride] : previous
      values[start + index * stride] = 0.6 * here + 0.2 * (previous + next)
      previous = here
    }
  }
}
