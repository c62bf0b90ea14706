/// The squared distance in mm² from each voxel to the nearest voxel where `isTarget` is not 0; infinite where
/// there is none. Exact, with a spacing per axis.
///
/// d²(p) = min over targets q of Σ_a (s_a (p_a − q_a))²: one axis after the other, x by two scans, y and z as
/// lower envelopes of parabolas. O(voxels). Source: Felzenszwalb and Huttenlocher, "Distance transforms of
/// sampled functions", Theory of Computing 8, 2012.
func squaredDistanceTransform(
  to isTarget: [UInt8], size: SIMD3<Int>, spacingInMillimetres spacing: SIMD3<Double>
) -> [Double] {
  var distances = [Double](repeating: .infinity, count: isTarget.count)
  distances.withUnsafeMutableBufferPointer { distances in
    isTarget.withUnsafeBufferPointer { isTarget in
      for row in stride(from: 0, to: isTarget.count, by: size.x) {
        scanRow(isTarget, distances, start: row, count: size.x, spacing: spacing.x)
      }
    }
    var envelope = ParabolaEnvelope(capacity: max(size.y, size.z))
    for z in 0..<size.z where size.y > 1 {
      for x in 0..<size.x {
        envelope.apply(
          distances, start: x + size.x * size.y * z, stride: size.x, count: size.y, spacing: spacing.y)
      }
    }
    for column in 0..<size.x * size.y where size.z > 1 {
      envelope.apply(
        distances, start: column, stride: size.x * size.y, count: size.z, spacing: spacing.z)
    }
  }
  return distances
}

/// Along x the targets are points, so the nearest one is found by a scan from each side.
private func scanRow(
  _ isTarget: UnsafeBufferPointer<UInt8>, _ distances: UnsafeMutableBufferPointer<Double>,
  start: Int, count: Int, spacing: Double
) {
  var last = -1
  for x in 0..<count {
    if isTarget[start + x] != 0 { last = x }
    if last >= 0 { distances[start + x] = square(Double(x - last) * spacing) }
  }
  last = -1
  for x in stride(from: count - 1, through: 0, by: -1) {
    if isTarget[start + x] != 0 { last = x }
    if last >= 0 {
      distances[start + x] = min(distances[start + x], square(Double(last - x) * spacing))
    }
  }
}

private func square(_ value: Double) -> Double { value * value }

/// Scratch for d(p) ← min over q of d(q) + (s (p − q))² along one line.
private struct ParabolaEnvelope {
  private var values: [Double]
  /// Where the parabolas of the envelope stand, and from where on each is the lowest.
  private var vertices: [Int]
  private var starts: [Double]

  init(capacity: Int) {
    values = [Double](repeating: 0, count: capacity)
    vertices = [Int](repeating: 0, count: capacity)
    starts = [Double](repeating: 0, count: capacity)
  }

  mutating func apply(
    _ line: UnsafeMutableBufferPointer<Double>, start: Int, stride: Int, count: Int, spacing: Double
  ) {
    values.withUnsafeMutableBufferPointer { values in
      vertices.withUnsafeMutableBufferPointer { vertices in
        starts.withUnsafeMutableBufferPointer { starts in
          var last = -1
          for q in 0..<count {
            let value = line[start + q * stride]
            values[q] = value
            if value == .infinity { continue }
            var from = -Double.infinity
            while last >= 0 {
              let v = vertices[last]
              // Where both parabolas are equal, in steps along the line.
              let rise = (value - values[v]) / (spacing * spacing)
              from = (rise / Double(q - v) + Double(q + v)) / 2
              if from > starts[last] { break }
              last -= 1
              from = -.infinity
            }
            last += 1
            vertices[last] = q
            starts[last] = from
          }
          if last < 0 { return }
          var current = 0
          for p in 0..<count {
            while current < last && starts[current + 1] < Double(p) { current += 1 }
            let v = vertices[current]
            line[start + p * stride] = values[v] + square(Double(p - v) * spacing)
          }
        }
      }
    }
  }
}
