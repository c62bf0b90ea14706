/// Applies one-dimensional weights along one axis of a volume.
enum SeparablePass {
  /// Runs `taps` along `axis` of an array of `size` (x fastest) on all cores; returns the array and its new size.
  static func apply(
    _ taps: AxisTaps, along axis: Int, to input: [Float], size: SIMD3<Int>
  ) -> (voxels: [Float], size: SIMD3<Int>) {
    var newSize = size
    newSize[axis] = taps.targetCount
    let inner = axis == 0 ? 1 : axis == 1 ? size.x : size.x * size.y
    let outer = size.x * size.y * size.z / (inner * size[axis])
    let count = newSize.x * newSize.y * newSize.z
    let (length, target) = (size[axis], taps.targetCount)
    let output = [Float](unsafeUninitializedCapacity: count) { out, initialized in
      input.withUnsafeBufferPointer { source in
        // Along z there is one slab, whose target slices are shared out; else slabs are.
        concurrently(outer == 1 ? target : outer) { part in
          let slabs = outer == 1 ? 0..<1 : part
          for o in slabs {
            run(
              taps, targets: outer == 1 ? part : 0..<target, inner: inner,
              from: UnsafeBufferPointer(rebasing: source[o * inner * length..<(o + 1) * inner * length]),
              to: UnsafeMutableBufferPointer(rebasing: out[o * inner * target..<(o + 1) * inner * target]))
          }
        }
      }
      initialized = count
    }
    return (output, newSize)
  }

  /// One slab: `from` is [n][inner], `to` is [targetCount][inner].
  static func run(
    _ taps: AxisTaps, targets: Range<Int>? = nil, inner: Int, from: UnsafeBufferPointer<Float>,
    to: UnsafeMutableBufferPointer<Float>
  ) {
    let perTarget = taps.tapsPerTarget
    let targets = targets ?? 0..<taps.targetCount
    taps.indices.withUnsafeBufferPointer { indices in
      taps.weights.withUnsafeBufferPointer { weights in
        if inner == 1 {
          for i in targets {
            var sum: Float = 0
            for t in i * perTarget..<(i + 1) * perTarget { sum += weights[t] * from[Int(indices[t])] }
            to[i] = sum
          }
          return
        }
        for i in targets {
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
