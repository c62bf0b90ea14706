import Testing

@testable import Volumes

/// Largest components against a flood fill.
@Suite struct VoxelComponentsTests {
  static let size = SIMD3(13, 9, 7)

  /// Random labels 0 … 3 in short runs.
  private func volume(_ seed: UInt64) -> LabelVolume {
    var random = SampleRandom(seed: seed, stream: .caseChoice, sample: 1)
    var voxels: [Int32] = []
    while voxels.count < Self.size.voxelCount {
      let label = Int32(random.integer(below: 4))
      voxels += Array(repeating: label, count: 1 + random.integer(below: 3))
    }
    let grid = VolumeGrid(size: Self.size, affine: Affine(spacingInMillimetres: SIMD3(1, 1, 1)))
    return LabelVolume(grid: grid, voxels: Array(voxels.prefix(Self.size.voxelCount)))
  }

  /// Voxel by voxel with a queue; `key` 0 is outside.
  private func flooded(
    _ volume: LabelVolume, _ connectivity: VoxelConnectivity, key: (Int32) -> Int32
  ) -> [Int32] {
    let size = Self.size
    let keys = volume.voxels.map(key)
    var component = [Int](repeating: -1, count: keys.count)
    var sizes: [(key: Int32, count: Int)] = []
    for start in keys.indices where keys[start] != 0 && component[start] < 0 {
      var queue = [start]
      component[start] = sizes.count
      sizes.append((keys[start], 0))
      while let at = queue.popLast() {
        sizes[sizes.count - 1].count += 1
        let (x, y, z) = (at % size.x, at / size.x % size.y, at / (size.x * size.y))
        for dz in -1...1 {
          for dy in -1...1 {
            for dx in -1...1 {
              let steps = abs(dx) + abs(dy) + abs(dz)
              let reach = connectivity == .faces ? 1 : connectivity == .edges ? 2 : 3
              guard steps > 0, steps <= reach, (0..<size.x).contains(x + dx), (0..<size.y).contains(y + dy),
                (0..<size.z).contains(z + dz)
              else { continue }
              let next = x + dx + size.x * (y + dy + size.y * (z + dz))
              if keys[next] == keys[start] && component[next] < 0 {
                component[next] = sizes.count - 1
                queue.append(next)
              }
            }
          }
        }
      }
    }
    return volume.voxels.indices.map { at in
      guard keys[at] != 0 else { return volume.voxels[at] }
      let own = sizes[component[at]]
      let largest = sizes.filter { $0.key == own.key }.map(\.count).max()
      return own.count == largest ? volume.voxels[at] : 0
    }
  }

  @Test(arguments: VoxelConnectivity.allCases)
  func agreeWithAFloodFill(_ connectivity: VoxelConnectivity) {
    for seed in 0..<40 as Range<UInt64> {
      let volume = volume(seed)
      var each = volume
      each.keepLargestComponent(of: [1, 3], together: false, connectivity: connectivity, background: 0)
      #expect(each.voxels == flooded(volume, connectivity) { $0 == 2 ? 0 : $0 }, "seed \(seed)")
      var together = volume
      together.keepLargestComponent(of: [1, 2], together: true, connectivity: connectivity, background: 0)
      #expect(together.voxels == flooded(volume, connectivity) { $0 == 1 || $0 == 2 ? 1 : 0 }, "seed \(seed)")
    }
  }

  @Test func connectivityDecidesAtEdgesAndCorners() {
    // Three voxels in a row, then one that touches them at an edge, and one at a corner of that.
    let grid = VolumeGrid(size: SIMD3(6, 3, 3), affine: Affine(spacingInMillimetres: SIMD3(1, 1, 1)))
    var volume = LabelVolume(grid: grid, voxels: [Int32](repeating: 0, count: grid.count))
    for (x, y, z) in [(0, 0, 0), (1, 0, 0), (2, 0, 0), (3, 1, 0), (4, 2, 1)] { volume.voxels[x + 6 * (y + 3 * z)] = 5 }
    let kept = VoxelConnectivity.allCases.map { connectivity in
      var cleaned = volume
      cleaned.keepLargestComponent(of: [5], together: false, connectivity: connectivity, background: 0)
      return cleaned.voxels.count { $0 == 5 }
    }
    #expect(kept == [3, 4, 5])
  }

  @Test func equalPartsAreAllKept() {
    let grid = VolumeGrid(size: SIMD3(5, 1, 1), affine: Affine(spacingInMillimetres: SIMD3(1, 1, 1)))
    var volume = LabelVolume(grid: grid, voxels: [2, 0, 2, 0, 0])
    volume.keepLargestComponent(of: [2], together: false, connectivity: .corners, background: 0)
    #expect(volume.voxels == [2, 0, 2, 0, 0])
  }
}
