/// Linear resampling of one array onto a target grid, slice by slice, so that probabilities of many classes
/// return to a large grid without all of them standing there at once.
///
/// Both grids' axes run in the same directions; beyond the outermost source centres the edge voxel's value
/// holds. Cost: a few passes over one slice of the source for each slice of the target, no memory besides
/// those slices.
public struct LinearResampler: Sendable {
  public let sourceSize: SIMD3<Int>
  public let targetSize: SIMD3<Int>
  private let taps: [AxisTaps]
  private let isIdentity: Bool

  /// - Throws: `VolumeError` where the grids' axes are not parallel.
  public init(from source: VolumeGrid, onto target: VolumeGrid) throws(VolumeError) {
    let mappings = try AxisMapping.mappings(from: source, onto: target)
    self.init(mappings, from: source.size, onto: target.size)
  }

  /// Between two arrays over the same box.
  public init(from source: SIMD3<Int>, onto target: SIMD3<Int>) {
    self.init(
      (0..<3).map { AxisMapping(sourceCount: source[$0], targetCount: target[$0]) }, from: source,
      onto: target)
  }

  private init(_ mappings: [AxisMapping], from source: SIMD3<Int>, onto target: SIMD3<Int>) {
    sourceSize = source
    targetSize = target
    taps = mappings.map { AxisTaps($0, method: .linear) }
    isIdentity = mappings.allSatisfy { $0.isIdentity }
  }

  /// Bytes of scratch that a call takes: two slices between source and target.
  public var scratchInBytes: Int {
    4 * (sourceSize.x * sourceSize.y + sourceSize.x * targetSize.y)
  }

  /// Computes the target's slices `slices` (along k).
  ///
  /// - Parameters:
  ///   - source: `sourceSize` voxels, x fastest: one class of a [class][voxels] array.
  ///   - target: `slices.count` slices of the target, x fastest.
  public func callAsFunction(
    _ source: UnsafeBufferPointer<Float>, slices: Range<Int>, into target: UnsafeMutableBufferPointer<Float>
  ) {
    let plane = targetSize.x * targetSize.y
    precondition(source.count == sourceSize.x * sourceSize.y * sourceSize.z, "internal: source size")
    precondition(target.count == plane * slices.count, "internal: target size")
    precondition(slices.lowerBound >= 0 && slices.upperBound <= targetSize.z, "internal: slice range")
    if isIdentity {
      _ = target.update(fromContentsOf: source[slices.lowerBound * plane..<slices.upperBound * plane])
      return
    }
    let sourcePlane = sourceSize.x * sourceSize.y
    let blended = UnsafeMutableBufferPointer<Float>.allocate(capacity: sourcePlane)
    let rows = UnsafeMutableBufferPointer<Float>.allocate(capacity: sourceSize.x * targetSize.y)
    defer {
      blended.deallocate()
      rows.deallocate()
    }
    for (i, slice) in slices.enumerated() {
      let (low, high) = (Int(taps[2].indices[2 * slice]), Int(taps[2].indices[2 * slice + 1]))
      let (w0, w1) = (taps[2].weights[2 * slice], taps[2].weights[2 * slice + 1])
      let a = source.baseAddress! + low * sourcePlane
      let b = source.baseAddress! + high * sourcePlane
      for x in 0..<sourcePlane { blended[x] = w0 * a[x] + w1 * b[x] }
      SeparablePass.run(taps[1], inner: sourceSize.x, from: UnsafeBufferPointer(blended), to: rows)
      let out = target.baseAddress! + i * plane
      for y in 0..<targetSize.y {
        SeparablePass.run(
          taps[0], inner: 1,
          from: UnsafeBufferPointer(start: rows.baseAddress! + y * sourceSize.x, count: sourceSize.x),
          to: UnsafeMutableBufferPointer(start: out + y * targetSize.x, count: targetSize.x))
      }
    }
  }
}
