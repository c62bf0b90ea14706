import FoundationEssentials

@testable import Training
@testable import Volumes

/// A stand-in for a network: each patch by a function from C×P inputs to K×P probabilities.
func network(
  patch: SIMD3<Int>, batch: Int = 2, channels: Int = 1, classes: Int, _ each: @escaping ([Float]) -> [Float]
) -> PatchNetwork {
  let inputs = channels * patch.x * patch.y * patch.z
  return PatchNetwork(patch: patch, batch: batch, channelCount: channels, classCount: classes) { input in
    stride(from: 0, to: input.count, by: inputs).flatMap { each(Array(input[$0..<$0 + inputs])) }
  }
}

/// Two classes: probability of class 1 is the input, clamped.
func copyingNetwork(patch: SIMD3<Int>, batch: Int = 2) -> PatchNetwork {
  network(patch: patch, batch: batch, classes: 2) { input in
    let p = input.map { min(max($0, 0), 1) }
    return p.map { 1 - $0 } + p
  }
}

/// Three classes that depend on intensity and, differently along x, y and z, on the place in the window: a
/// window that is turned over, shifted or read in another order gives other labels.
func lopsidedNetwork(patch: SIMD3<Int>) -> PatchNetwork {
  network(patch: patch, batch: 3, classes: 3) { input in
    var out = [Float](repeating: 0, count: 3 * input.count)
    for z in 0..<patch.z {
      for y in 0..<patch.y {
        for x in 0..<patch.x {
          let i = x + patch.x * (y + patch.y * z)
          let tilt =
            0.9 * Float(x) / Float(patch.x) + 0.5 * Float(y) / Float(patch.y) - 0.4 * Float(z)
            / Float(patch.z)
          let a = min(max(0.4 + 0.3 * input[i] + 0.2 * tilt, 0), 1)
          out[i] = a
          out[input.count + i] = (1 - a) * min(max(0.6 - 0.4 * tilt, 0), 1)
          out[2 * input.count + i] = 1 - a - out[input.count + i]
        }
      }
    }
    return out
  }
}

/// Smooth blobs, no two axes alike.
func blobs(_ size: SIMD3<Int>, affine: Affine) -> Volume {
  var voxels: [Float] = []
  for k in 0..<size.z {
    for j in 0..<size.y {
      for i in 0..<size.x {
        let at = SIMD3(Double(i) / Double(size.x), Double(j) / Double(size.y), Double(k) / Double(size.z))
        let near = at - SIMD3(0.3, 0.6, 0.45)
        let far = at - SIMD3(0.7, 0.35, 0.7)
        let value =
          1 / (1 + 40 * (near * near).sum()) - 0.7 / (1 + 30 * (far * far).sum()) + 0.2 * at.x * at.z
        voxels.append(Float(100 * value))
      }
    }
  }
  return Volume(grid: VolumeGrid(size: size, affine: affine), voxels: voxels)
}

/// Rotated about two axes, spacing 0.9 × 1.4 × 3.1 mm.
let obliqueAffine = Affine(
  columns: (SIMD3(0.882, 0.145, 0.104), SIMD3(-0.243, 1.368, 0.174), SIMD3(-0.278, -0.423, 3.058)),
  translation: SIMD3(-31.5, 12.25, 77))

/// All 48 ways to store a RAS volume: permutations and flips of its axes.
func allStorageOrders(of volume: Volume) -> [Volume] {
  let permutations = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
  return permutations.flatMap { axes in
    (0..<8).map { flips in stored(volume, axes: axes, flips: flips) }
  }
}

/// Stored axis a reads axis `axes[a]` of the volume, backwards where bit a of `flips` is set.
private func stored(_ volume: Volume, axes: [Int], flips: Int) -> Volume {
  let size = volume.grid.size
  let newSize = SIMD3(size[axes[0]], size[axes[1]], size[axes[2]])
  var columns: [SIMD3<Double>] = []
  var first = SIMD3<Double>.zero
  for a in 0..<3 {
    let isFlipped = flips >> a & 1 == 1
    let column = volume.grid.affine.column(axes[a])
    columns.append(isFlipped ? -column : column)
    if isFlipped { first[axes[a]] = Double(size[axes[a]] - 1) }
  }
  let affine = Affine(columns: (columns[0], columns[1], columns[2]), translation: volume.grid.affine(first))
  var voxels: [Float] = []
  for k in 0..<newSize.z {
    for j in 0..<newSize.y {
      for i in 0..<newSize.x {
        var at = SIMD3<Int>.zero
        for (a, index) in [i, j, k].enumerated() {
          at[axes[a]] = flips >> a & 1 == 1 ? newSize[a] - 1 - index : index
        }
        voxels.append(volume.voxels[at.x + size.x * (at.y + size.y * at.z)])
      }
    }
  }
  return Volume(grid: VolumeGrid(size: newSize, affine: affine), voxels: voxels)
}

/// The folder of odd volumes beside the checkout; nil where it is not there.
func oddNiftiFolder() -> String? {
  var folder = URL(filePath: #filePath).deletingLastPathComponent()
  while folder.path.count > 1 {
    for candidate in ["shared/data/odd-nifti", "../shared/data/odd-nifti"] {
      let path = folder.appending(path: candidate).standardizedFileURL.path
      if FileManager.default.fileExists(atPath: path) { return path }
    }
    folder = folder.deletingLastPathComponent()
  }
  return nil
}
