/// A set of the patient's axes along which something is mirrored: x left–right, y anterior–posterior,
/// z inferior–superior.
public struct MirrorAxes: OptionSet, Sendable, Hashable {
  public let rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let x = MirrorAxes(rawValue: 1)
  public static let y = MirrorAxes(rawValue: 2)
  public static let z = MirrorAxes(rawValue: 4)

  public static let leftRight = x
  public static let anteriorPosterior = y
  public static let inferiorSuperior = z

  /// All subsets, the empty one first: the passes of mirrored test-time augmentation.
  public var subsets: [MirrorAxes] {
    (0..<8).map { MirrorAxes(rawValue: $0) }.filter { isSuperset(of: $0) }
  }
}

/// Mirrors each of the C volumes in C×D×H×W `values` along `axes`, in place: exact, and its own inverse.
public func mirror<Voxel>(
  _ values: inout [Voxel], size: SIMD3<Int>, channelCount: Int, axes: MirrorAxes
) {
  precondition(
    values.count == size.voxelCount * channelCount, "internal: size does not match the values")
  if axes.isEmpty { return }
  values.withUnsafeMutableBufferPointer { values in
    for channel in 0..<channelCount {
      let base = channel * size.voxelCount
      if axes.contains(.x) {
        for row in stride(from: base, to: base + size.voxelCount, by: size.x) {
          var low = row
          var high = row + size.x - 1
          while low < high {
            values.swapAt(low, high)
            low += 1
            high -= 1
          }
        }
      }
      if axes.contains(.y) {
        for slice in 0..<size.z {
          swapRuns(values, start: base + slice * size.x * size.y, runLength: size.x, runCount: size.y)
        }
      }
      if axes.contains(.z) {
        swapRuns(values, start: base, runLength: size.x * size.y, runCount: size.z)
      }
    }
  }
}

/// Reverses the order of `runCount` runs of `runLength` values each.
private func swapRuns<Voxel>(
  _ values: UnsafeMutableBufferPointer<Voxel>, start: Int, runLength: Int, runCount: Int
) {
  for run in 0..<runCount / 2 {
    let low = start + run * runLength
    let high = start + (runCount - 1 - run) * runLength
    for offset in 0..<runLength { values.swapAt(low + offset, high + offset) }
  }
}

extension Patch {
  /// Mirrors image and labels alike.
  public mutating func mirror(_ axes: MirrorAxes) {
    Volumes.mirror(&voxels, size: size, channelCount: channelCount, axes: axes)
    if !labels.isEmpty { Volumes.mirror(&labels, size: size, channelCount: 1, axes: axes) }
  }

  /// Exchanges the ids of each pair: what was the left organ's label is the right one's after a flip.
  mutating func swapLabels(_ pairs: [SIMD2<Int32>]) {
    if pairs.isEmpty { return }
    labels.withUnsafeMutableBufferPointer { labels in
      for index in 0..<labels.count {
        for pair in pairs {
          if labels[index] == pair.x {
            labels[index] = pair.y
            break
          }
          if labels[index] == pair.y {
            labels[index] = pair.x
            break
          }
        }
      }
    }
  }
}
