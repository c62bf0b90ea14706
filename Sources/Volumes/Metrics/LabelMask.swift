/// The voxels of one label in a box: 1 inside, 0 outside, x fastest. Beyond the box all is outside.
struct LabelMask {
  let size: SIMD3<Int>
  let voxels: [UInt8]

  init(size: SIMD3<Int>, voxels: [UInt8]) {
    self.size = size
    self.voxels = voxels
  }

  /// Label `label` of `labels` within `box`, where `isCounted` (the reference's label) is not negative.
  init(_ label: Int32, of labels: LabelVolume, isCounted reference: LabelVolume, box: VoxelBox) {
    size = box.size
    let (boxSize, volume) = (box.size, labels.grid.size)
    var mask = [UInt8](repeating: 0, count: boxSize.voxelCount)
    mask.withUnsafeMutableBufferPointer { mask in
      labels.voxels.withUnsafeBufferPointer { labels in
        reference.voxels.withUnsafeBufferPointer { reference in
          for z in 0..<boxSize.z {
            for y in 0..<boxSize.y {
              let from = box.low.x + volume.x * (box.low.y + y + volume.y * (box.low.z + z))
              let to = boxSize.x * (y + boxSize.y * z)
              for x in 0..<boxSize.x
              where labels[from + x] == label && reference[from + x] >= 0 {
                mask[to + x] = 1
              }
            }
          }
        }
      }
    }
    voxels = mask
  }

  /// The surface voxels: those with at least one of their six face neighbours outside (mask & ~erosion).
  var surface: [UInt8] {
    var surface = [UInt8](repeating: 0, count: voxels.count)
    let (size, plane) = (self.size, self.size.x * self.size.y)
    voxels.withUnsafeBufferPointer { mask in
      surface.withUnsafeMutableBufferPointer { surface in
        var index = 0
        for z in 0..<size.z {
          for y in 0..<size.y {
            for x in 0..<size.x {
              defer { index += 1 }
              if mask[index] == 0 { continue }
              let isInterior =
                x > 0 && x + 1 < size.x && y > 0 && y + 1 < size.y && z > 0 && z + 1 < size.z
                && mask[index - 1] != 0 && mask[index + 1] != 0 && mask[index - size.x] != 0
                && mask[index + size.x] != 0 && mask[index - plane] != 0 && mask[index + plane] != 0
              if !isInterior { surface[index] = 1 }
            }
          }
        }
      }
    }
    return surface
  }
}

/// Voxels low ... high of a volume.
struct VoxelBox: Equatable {
  var low = SIMD3<Int>(repeating: .max)
  var high = SIMD3<Int>(repeating: -1)

  var isEmpty: Bool { high.x < low.x }
  var size: SIMD3<Int> { isEmpty ? .zero : high &- low &+ 1 }

  mutating func insert(row: Range<Int>, y: Int, z: Int) {
    low = SIMD3(min(low.x, row.lowerBound), min(low.y, y), min(low.z, z))
    high = SIMD3(max(high.x, row.upperBound - 1), max(high.y, y), max(high.z, z))
  }
}
