import Testing

@testable import Training
@testable import Volumes

@Suite("Whole volumes")
struct VolumePredictorTests {
  let plain = Preprocessing(steps: [])

  /// The network copies its input, so the label must be the threshold of the scan, voxel for voxel.
  @Test(arguments: [SIMD3(21, 17, 13), SIMD3(8, 8, 8), SIMD3(5, 30, 3), SIMD3(1, 9, 1)])
  func windowsLeaveNoTrace(_ size: SIMD3<Int>) throws {
    var volume = blobs(size, affine: obliqueAffine)
    volume.voxels = volume.voxels.map { $0 > 20 ? 1 : 0 }
    for (overlap, mirror) in [(0.5, MirrorAxes([])), (0, []), (0.75, [.x, .y, .z])] {
      let member = PredictionMember(
        network: copyingNetwork(patch: SIMD3(8, 8, 8), batch: 3), preprocessing: plain, overlap: overlap,
        mirror: mirror)
      let prediction = try VolumePredictor(members: [member], ids: [0, 7])([volume])
      #expect(prediction.labels.voxels == volume.voxels.map { $0 > 0 ? 7 : 0 })
      #expect(prediction.labels.grid == volume.grid)
    }
  }

  /// The network's input is larger than its output: at the volume's border stands what training has seen there.
  @Test(arguments: [AugmentationSettings.Outside.pad, .minimum, .border])
  func contextOutsideIsAsInTraining(_ outside: AugmentationSettings.Outside) throws {
    let volume = blobs(SIMD3(9, 7, 5), affine: Affine(spacingInMillimetres: SIMD3(1, 1, 1)))
    let least = volume.voxels.min() ?? 0
    let (patch, margin) = (SIMD3(4, 4, 4), SIMD3(2, 1, 3))
    let size = patch &+ 2 &* margin
    let network = PatchNetwork(patch: patch, batch: 1, channelCount: 1, classCount: 2, margin: margin) { input in
      // Class 1 where the voxel two to the left is above a half.
      var out = [Float](repeating: 0, count: 2 * 64)
      for z in 0..<4 {
        for y in 0..<4 {
          for x in 0..<4 {
            let left = input[x + size.x * (y + margin.y + size.y * (z + margin.z))]
            out[64 + x + 4 * (y + 4 * z)] = left > 5 ? 1 : 0
            out[x + 4 * (y + 4 * z)] = left > 5 ? 0 : 1
          }
        }
      }
      return out
    }
    let member = PredictionMember(network: network, preprocessing: plain, padding: [77], outside: outside)
    let labels = try VolumePredictor(members: [member], ids: [0, 1])([volume]).labels.voxels
    for index in labels.indices {
      let x = index % 9
      let left: Float =
        x >= 2 ? volume.voxels[index - 2]
        : outside == .pad ? 77 : outside == .minimum ? least : volume.voxels[index - x]
      #expect(labels[index] == (left > 5 ? 1 : 0))
    }
  }

  @Test func theWayBackIsLinearResamplingOfProbabilities() throws {
    var volume = blobs(SIMD3(19, 16, 11), affine: obliqueAffine)
    volume.voxels = volume.voxels.map { min(max($0 / 60, 0), 1) }
    for spacing in [SIMD3(1.7, 1.1, 2.0), SIMD3(0.5, 0.7, 1.0), SIMD3(0.9, 3, 3.1)] {
      let preprocessing = Preprocessing(steps: [.resample(spacing: spacing, image: .linear)])
      let member = PredictionMember(
        network: copyingNetwork(patch: SIMD3(9, 7, 6)), preprocessing: preprocessing)
      let prediction = try VolumePredictor(members: [member], ids: [0, 1])(
        [volume], collectsProbabilities: true)
      let upright = volume.reorientedToRAS().volume
      let there = try upright.resampled(toSpacing: spacing, method: .linear)
      #expect(there.grid.size != upright.grid.size)
      let back = try there.resampled(onto: upright.grid, method: .linear)
      let expected = Reorientation(toRAS: volume.grid).inverse(back)
      for (p, e) in zip(prediction.probabilities[1].voxels, expected.voxels) { #expect(abs(p - e) < 2e-5) }
      let wrong = zip(prediction.labels.voxels, expected.voxels).filter {
        ($0 == 1) != ($1 > 0.5) && abs($1 - 0.5) > 1e-4
      }
      #expect(wrong.isEmpty)
    }
  }

  /// The memory that is stated beforehand: what blending takes follows the limit, down to one row at a time.
  @Test func memoryIsKnownBeforehand() throws {
    let volume = blobs(SIMD3(19, 16, 11), affine: obliqueAffine)
    let member = PredictionMember(
      network: lopsidedNetwork(patch: SIMD3(8, 7, 6)),
      preprocessing: Preprocessing(steps: [.resample(spacing: SIMD3(1.2, 1.2, 2.5), image: .linear)]))
    let predictor = VolumePredictor(members: [member], ids: [0, 2, 5])
    let free = try predictor.memory(for: volume.grid)
    #expect(free.blendingBytes > free.leastBlendingBytes)
    // The scan, which lies in RAS+ already, its prepared copy, and the labels.
    let prepared = try volume.reorientedToRAS().volume.resampled(toSpacing: SIMD3(1.2, 1.2, 2.5), method: .linear)
    let arrays = 4 * (2 * volume.voxels.count + prepared.voxels.count)
    #expect(free.fixedBytes >= arrays && free.fixedBytes < arrays + 4 * 8 * 7 * 6 * (8 * member.network.batch + 3))
    var blending = 0
    for limit in stride(from: 0, through: free.bytes, by: max(1, free.bytes / 20)) {
      let memory = try predictor.memory(for: volume.grid, limitInBytes: limit)
      #expect(memory.fixedBytes == free.fixedBytes)
      #expect(memory.blendingBytes >= blending)
      #expect(memory.bytes <= max(limit, memory.fixedBytes + memory.leastBlendingBytes))
      blending = memory.blendingBytes
    }
    #expect(try predictor.memory(for: volume.grid, limitInBytes: free.bytes) == free)
    let collecting = try predictor.memory(for: volume.grid, collectsProbabilities: true)
    #expect(collecting.fixedBytes >= free.fixedBytes + 3 * 4 * volume.voxels.count)
  }

  @Test func allStorageOrdersOfOneScanGetTheSameLabels() throws {
    let original = blobs(SIMD3(17, 14, 9), affine: obliqueAffine)
    let preprocessing = Preprocessing(steps: [
      .normalise(.fixed(.zScore(nonZeroOnly: false))),
      .resample(spacing: SIMD3(1.2, 1.2, 2.5), image: .cubic),
    ])
    let member = PredictionMember(
      network: lopsidedNetwork(patch: SIMD3(8, 7, 6)), preprocessing: preprocessing)
    let predictor = VolumePredictor(members: [member], ids: [0, 2, 5])
    let first = try predictor([original]).labels
    #expect(Set(first.voxels) == [0, 2, 5])
    let counts = [0, 2, 5].map { id in first.voxels.filter { $0 == Int32(id) }.count }
    #expect(counts.allSatisfy { $0 > 50 }, "\(counts)")
    for stored in allStorageOrders(of: original) {
      let labels = try predictor([stored]).labels
      #expect(labels.grid == stored.grid)
      #expect(
        labels.reorientedToRAS().labels.voxels == first.voxels, "\(Orientation(of: stored.grid.affine))")
    }
  }

  @Test(.enabled(if: oddNiftiFolder() != nil))
  func sixFilesOfOneScanGetTheSameLabels() throws {
    let folder = try #require(oddNiftiFolder())
    let preprocessing = Preprocessing(steps: [
      .normalise(.fixed(.zScore(nonZeroOnly: false))), .resample(spacing: SIMD3(2, 2, 0), image: .cubic),
    ])
    let member = PredictionMember(
      network: lopsidedNetwork(patch: SIMD3(12, 10, 8)), preprocessing: preprocessing)
    let predictor = VolumePredictor(members: [member], ids: [0, 1, 2])
    var seen: [[Int32]] = []
    for code in ["RAS", "LPI", "ASR", "IAL", "PIL", "SRA"] {
      let image = try NiftiFile.read("\(folder)/derived/g_axes_\(code).nii.gz")
      #expect(Orientation(of: image.grid.affine).description == code)
      seen.append(try predictor(image.channels).labels.reorientedToRAS().labels.voxels)
    }
    #expect(Set(seen[0]).count == 3)
    for other in seen { #expect(other == seen[0]) }
  }

  @Test func whatACropCutsOffIsBackground() throws {
    var volume = blobs(SIMD3(18, 15, 12), affine: obliqueAffine)
    let size = volume.grid.size
    let box = (x: 4..<13, y: 3..<11, z: 2..<9)
    for i in volume.voxels.indices {
      let (x, y, z) = (i % size.x, i / size.x % size.y, i / (size.x * size.y))
      volume.voxels[i] = box.x.contains(x) && box.y.contains(y) && box.z.contains(z) ? 1 : 0
    }
    for steps in [
      [PreprocessingStep.cropNonZero], [.cropNonZero, .resample(spacing: SIMD3(0.6, 1, 2), image: .linear)],
    ] {
      // Says class 1 everywhere, so only the crop can make background.
      let everywhere = network(patch: SIMD3(6, 6, 6), classes: 2) { $0.map { _ in 0 } + $0.map { _ in 1 } }
      let member = PredictionMember(network: everywhere, preprocessing: Preprocessing(steps: steps))
      for collects in [false, true] {
        let prediction = try VolumePredictor(members: [member], ids: [0, 1])(
          [volume], collectsProbabilities: collects)
        #expect(prediction.labels.voxels == volume.voxels.map { Int32($0) })
        if collects {
          #expect(
            zip(prediction.probabilities[0].voxels, volume.voxels).allSatisfy { abs($0 - (1 - $1)) < 1e-6 })
        }
      }
    }
  }

  @Test func aSmallMemoryBudgetChangesNoLabel() throws {
    let volume = blobs(SIMD3(20, 23, 11), affine: obliqueAffine)
    let preprocessing = Preprocessing(steps: [
      .normalise(.fixed(.zScore(nonZeroOnly: false))),
      .resample(spacing: SIMD3(1.3, 1.1, 2.2), image: .linear),
    ])
    let member = PredictionMember(
      network: lopsidedNetwork(patch: SIMD3(8, 8, 6)), preprocessing: preprocessing)
    let whole = try VolumePredictor(members: [member], ids: [0, 1, 2])([volume]).labels
    for budget in [1, 30_000, 60_000] {
      var windows: [Int] = []
      let banded = try VolumePredictor(members: [member], ids: [0, 1, 2], blendingBudgetInBytes: budget)(
        [volume], progress: { done, of in windows.append(done <= of ? done : .max) })
      #expect(banded.labels.voxels == whole.voxels)
      #expect(windows == windows.sorted() && windows.last != .max)
    }
  }

  @Test func anEnsembleAveragesProbabilitiesOnOneGrid() throws {
    let volume = blobs(SIMD3(12, 10, 9), affine: obliqueAffine)
    func constant(_ p: [Float], _ steps: [PreprocessingStep]) -> PredictionMember {
      PredictionMember(
        network: network(patch: SIMD3(6, 5, 4), classes: 3) { input in
          p.flatMap { value in input.map { _ in value } }
        },
        preprocessing: Preprocessing(steps: steps))
    }
    // Majority says class 1, the mean says class 2.
    let members = [
      constant([0.1, 0.5, 0.4], []),
      constant([0.1, 0.48, 0.42], [.resample(spacing: SIMD3(2, 2, 2), image: .linear)]),
      constant([0.1, 0.1, 0.8], []),
    ]
    let prediction = try VolumePredictor(members: members, ids: [0, 1, 2])(
      [volume], collectsProbabilities: true)
    #expect(prediction.labels.voxels.allSatisfy { $0 == 2 })
    for (number, mean) in [Float(0.1), 0.36, 0.54].enumerated() {
      #expect(prediction.probabilities[number].voxels.allSatisfy { abs($0 - mean) < 1e-5 })
    }
  }

  @Test func aDivergedNetworkIsSaidSo() throws {
    let volume = blobs(SIMD3(6, 6, 6), affine: obliqueAffine)
    let member = PredictionMember(
      network: network(patch: SIMD3(4, 4, 4), classes: 2) { $0.map { _ in .nan } + $0 }, preprocessing: plain)
    let error = #expect(throws: PredictionError.self) {
      try VolumePredictor(members: [member], ids: [0, 1])([volume])
    }
    #expect(error?.description.contains("not finite") == true)
  }

  @Test func aMissingChannelIsSaidSo() throws {
    let volume = blobs(SIMD3(6, 6, 6), affine: obliqueAffine)
    let member = PredictionMember(network: copyingNetwork(patch: SIMD3(4, 4, 4)), preprocessing: plain)
    let error = #expect(throws: PredictionError.self) {
      try VolumePredictor(members: [member], ids: [0, 1])([volume, volume])
    }
    #expect(error?.description == "the scan has 2 channels, the network takes 1")
  }
}
