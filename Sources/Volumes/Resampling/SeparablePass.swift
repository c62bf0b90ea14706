/// Applies one-dimensional weights along one axis of a volume.
enum SeparablePass {
  /// Runs `taps` along `axis` of an array of `size` (x fastest); returns the array and its new size.
  static func apply(
    _ taps: AxisTaps, along axis: Int, to input: [Float], size: SIMD3<Int>
  ) -> (voxels: [Float], size: SIMD3<Int>) {
    var newSize = size
    newSize[axis] = taps.targetCount
    let inner = axis == 0 ? 1 : axis == 1 ? size.x : size.x * size.y
    let outer = size.x * size.y * size.z / (inner * size[axis])
    let count = newSize.x * newSize.y * newSize.z
    let output = [Float](unsafeUninitializedCapacity: count) { out, initialized in
      input.withUnsafeBufferPointer { source in
        for o in 0..<outer {
          let from = UnsafeBufferPointer(
            rebasing: source[o * inner * size[axis]..<(o + 1) * inner * size[axis]])
          let to = UnsafeMutableBufferPointer(
            rebasing: out[o * inner * taps.targetCount..<(o + 1) * inner * taps.targetCount])
          run(taps, inner: inner, from: from, to: to)
        }
      }
      initialized = count
    }
    return (output, newSize)
  }

  /// One slab: `from` is [n][inner], `to` is [targetCount][inner].
  static func run(
    _ taps: AxisTaps, inner: Int, from: UnsafeBufferPointer<Float>, to: UnsafeMutableBufferPointer<Float>
  ) {
    let perTarget = taps.tapsPerTarget
    taps.indices.withUnsafeBufferPointer { indices in
      taps.weights.withUnsafeBufferPointer { weights in
        if inner == 1 {
          for i in 0..<taps.targetCount {
            var sum: Float = 0
            for t in i * perTarget..<(i + 1) * perTarget { sum += weights[t] * from[Int(indices[t])] }
            to[i] = sum
          }
          return
        }
        for i in 0..<taps.targetCount {
          let row = to.baseAddress! + i * inner
          for t in 0..<perTarget {
            let weight = weights[i * perTarget + t]
            let line = from.baseAddress! + Int(indices[i * perTarget + t]) * inner
            if t == 0 {
              for x in 0..<inner { row[x] = weight * line[x] }
            } else if weight != 0 {
              for x in 0..<inner { row[x] += weight * line[x] }
            }
          }
        }
      }
    }
  }
}
