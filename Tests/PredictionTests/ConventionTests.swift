import FoundationEssentials
import Testing

@testable import Training
@testable import Volumes

/// Rules of whole-volume prediction that no stand-in network of the other suites shows.
@Suite("Rules of prediction")
struct ConventionTests {
  /// Rotated by exact fractions about two axes; spacing 0.5 × 1.5 × 3.5 mm, so that along each axis half a voxel of
  /// 1 mm is left over.
  private let halves = VolumeGrid(
    size: SIMD3(15, 13, 9),
    affine: Affine(
      columns: (
        SIMD3(0.48, 0.14, 0), SIMD3(-0.336, 1.152, 0.9), SIMD3(0.588, -2.016, 2.8)
      ), translation: SIMD3(-3, 12, 40)))

  /// A qform's quaternion rounds another way in each storage order. 7.5, 19.5 and 31.5 voxels are the same number
  /// all the same, and so is every label.
  @Test func filesThatHoldAQformAloneGetTheSameLabels() throws {
    let member = PredictionMember(
      network: lopsidedNetwork(patch: SIMD3(6, 8, 10)),
      preprocessing: Preprocessing(steps: [
        .normalise(.fixed(.zScore(nonZeroOnly: false))), .resample(spacing: SIMD3(1, 1, 1), image: .linear),
      ]))
    let predictor = VolumePredictor(members: [member], ids: [0, 2, 5])
    let folder = FileManager.default.temporaryDirectory.appending(path: "qform-\(UInt64.random(in: 0 ... .max))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appending(path: "scan.nii").path
    var first: [Int32] = []
    for stored in allStorageOrders(of: blobs(halves.size, affine: halves.affine)) {
      var header = NiftiHeader(grid: stored.grid)
      (header.sformCode, header.qformCode) = (0, 1)
      header.srows = header.srows.map { _ in .zero }
      try NiftiFile.write(stored, like: header, to: path)
      let scan = try NiftiFile.read(path)
      #expect(scan.geometry.source == .qform)
      let labels = try predictor(scan.channels).labels.reorientedToRAS().labels.voxels
      if first.isEmpty { first = labels }
      #expect(labels == first, "\(Orientation(of: stored.grid.affine))")
    }
    #expect(Set(first) == [0, 2, 5])
  }

  /// The network's answer rises along x, y and z of its window: a mirrored pass levels it along the axis that it turns
  /// over, which is the patient's, however the scan is stored.
  @Test(arguments: [MirrorAxes.leftRight, .anteriorPosterior, .inferiorSuperior, [.leftRight, .inferiorSuperior]])
  func mirroredPassesTurnThePatientsAxes(_ mirror: MirrorAxes) throws {
    let size = SIMD3(6, 5, 4)
    let slopes: [Float] = [0.05, 0.02, 0.01]
    let rising = network(patch: size, classes: 2) { input in
      let p = input.indices.map { (i: Int) -> Float in
        let (x, y, z) = (Float(i % 6), Float(i / 6 % 5), Float(i / 30))
        return 0.1 + slopes[0] * x + slopes[1] * y + slopes[2] * z
      }
      return p.map { 1 - $0 } + p
    }
    let member = PredictionMember(network: rising, preprocessing: Preprocessing(steps: []), mirror: mirror)
    let predictor = VolumePredictor(members: [member], ids: [0, 1])
    for stored in allStorageOrders(of: blobs(size, affine: obliqueAffine)).enumerated()
      .filter({ $0.offset % 5 == 2 }).map(\.element)
    {
      let found = try predictor([stored], collectsProbabilities: true).probabilities[1].reorientedToRAS().volume.voxels
      for index in found.indices {
        let at = [index % 6, index / 6 % 5, index / 30]
        var expected: Float = 0.1
        for axis in 0..<3 {
          let isLevel = mirror.contains(MirrorAxes(rawValue: 1 << UInt8(axis)))
          expected += slopes[axis] * (isLevel ? Float(size[axis] - 1) / 2 : Float(at[axis]))
        }
        #expect(abs(found[index] - expected) < 2e-6)
      }
    }
  }

  /// 512×512×600 voxels as a scanner stores them, left to posterior, and 60 classes.
  @Test func aWholeCTOfSixtyClassesTakesLessThanEightGiB() throws {
    let grid = VolumeGrid(
      size: SIMD3(512, 512, 600),
      affine: Affine(
        columns: (SIMD3(-0.8, 0, 0), SIMD3(0, -0.8, 0), SIMD3(0, 0, 1)), translation: SIMD3(204, 204, -300)))
    let limit = 8 << 30
    for spacing in [SIMD3(0.8, 0.8, 1), SIMD3(1.5, 1.5, 1.5)] {
      let member = PredictionMember(
        network: network(patch: SIMD3(128, 128, 128), classes: 60) { _ in [] },
        preprocessing: Preprocessing(steps: [
          .cropNonZero, .normalise(.fixed(.window(lower: -160, upper: 240))),
          .resample(spacing: spacing, image: .cubic),
        ]), mirror: [.x, .y, .z])
      let alone = try VolumePredictor(members: [member], ids: Array(0..<60)).memory(for: grid)
      #expect(alone.bytes <= limit, "\(alone)")
      // All of the volume's probabilities at once would be 35 GiB.
      #expect(alone.blendingBytes < 4 * 60 * grid.count / 10)
      // Five folds on one grid, where the user names the limit.
      let folds = VolumePredictor(members: Array(repeating: member, count: 5), ids: Array(0..<60))
      let together = try folds.memory(for: grid, limitInBytes: limit)
      #expect(together.bytes <= limit, "\(together)")
    }
  }
}
