import Testing

@testable import Training
@testable import Volumes

/// The way back of every step of preprocessing: what a network that copies its input says lies where the scan has it.
@Suite("The way back of every step")
struct WayBackTests {
  /// Lopsided on every axis, so that a turned, shifted or mirrored copy shows.
  private func isInside(_ x: Int, _ y: Int, _ z: Int) -> Bool {
    (3..<9).contains(x) && (4..<14).contains(y) && (2..<10).contains(z) && (x < 6 || y < 8 || z > 6)
  }

  private func scan(_ size: SIMD3<Int> = SIMD3(14, 20, 13)) -> Volume {
    var voxels: [Float] = []
    for z in 0..<size.z {
      for y in 0..<size.y { for x in 0..<size.x { voxels.append(isInside(x, y, z) ? 1 : 0) } }
    }
    return Volume(grid: VolumeGrid(size: size, affine: obliqueAffine), voxels: voxels)
  }

  private func predict(_ volume: Volume, _ steps: [PreprocessingStep]) throws -> VolumePrediction {
    let member = PredictionMember(
      network: copyingNetwork(patch: SIMD3(6, 8, 5)), preprocessing: Preprocessing(steps: steps))
    return try VolumePredictor(members: [member], ids: [0, 7])([volume], collectsProbabilities: true)
  }

  /// Steps that lose nothing: labels come back voxel for voxel, from eight of the storage orders.
  @Test(arguments: [
    [PreprocessingStep.cropOrPad(.init(size: SIMD3(19, 24, 13), padding: .value(1)))],
    [.cropOrPad(.init(size: SIMD3(16, 31, 20), padding: .minimum))],
    // The object stays inside all of these crops.
    [.cropOrPad(.init(size: SIMD3(11, 25, 12), padding: .value(1)))],
    [.crop(.init(2..<11, nil, 1..<128))], [.cropNonZero],
    [.cropNonZero, .cropOrPad(.init(size: SIMD3(20, 20, 20), padding: .value(1)))],
    [.crop(.init(nil, 3..<20, nil)), .cropNonZero, .cropOrPad(.init(size: SIMD3(7, 0, 0), padding: .value(1)))],
    // Three times the voxels and a third of them again: nearest undoes itself.
    [
      .resample(.init(size: SIMD3(42, 60, 39), image: .nearest)), .cropOrPad(.init(size: SIMD3(45, 66, 45))),
      .crop(.init(1..<45, nil, nil)),
    ],
  ])
  func labelsComeBackVoxelForVoxel(_ steps: [PreprocessingStep]) throws {
    let original = scan()
    for stored in allStorageOrders(of: original).enumerated().filter({ $0.offset % 6 == 1 }).map(\.element) {
      let prediction = try predict(stored, steps)
      #expect(prediction.labels.grid == stored.grid)
      let wrong = zip(prediction.labels.voxels, stored.voxels).filter { ($0 == 7) != ($1 == 1) }.count
      #expect(wrong == 0, "\(wrong) voxels of \(Orientation(of: stored.grid.affine))")
    }
  }

  /// What a crop removed is background even where padding says otherwise.
  @Test func aCropCutsOffAndPaddingHasNoSay() throws {
    let everywhere = Volume(
      grid: scan().grid, voxels: [Float](repeating: 1, count: scan().voxels.count))
    for stored in allStorageOrders(of: everywhere).enumerated().filter({ $0.offset % 7 == 2 }).map(\.element) {
      let prediction = try predict(
        stored, [.crop(.init(2..<9, nil, 5..<40)), .cropOrPad(.init(size: SIMD3(30, 25, 22), padding: .value(1)))])
      let labels = prediction.labels.reorientedToRAS().labels
      let size = labels.grid.size
      for index in labels.voxels.indices {
        let (x, z) = (index % size.x, index / (size.x * size.y))
        #expect(labels.voxels[index] == ((2..<9).contains(x) && z >= 5 ? 7 : 0))
      }
    }
  }

  /// Resampling after a crop, with padding behind it: probabilities are those of the cut volume resampled there and
  /// back, to the edge voxels, into which no padding leaks.
  @Test(arguments: [
    PreprocessingStep.Resampling(size: SIMD3(9, 11, 0), spacing: SIMD3(0, 0, 2), image: .linear),
    .init(size: SIMD3(24, 7, 20), image: .area), .init(size: SIMD3(5, 23, 9), image: .cubic),
    .init(size: SIMD3(13, 8, 7), image: .linear, antialias: true),
  ])
  func padsLeaveNoTraceInResampledEdges(_ resampling: PreprocessingStep.Resampling) throws {
    var volume = blobs(SIMD3(14, 20, 13), affine: obliqueAffine)
    volume.voxels = volume.voxels.map { min(max($0 / 60, 0), 1) }
    let crop = PreprocessingStep.crop(.init(3..<13, nil, 0..<11))
    let pad = PreprocessingStep.cropOrPad(.init(size: SIMD3(31, 30, 29), padding: .value(1)))
    let cut = volume.box(origin: SIMD3(3, 0, 0), size: SIMD3(10, 20, 11), outside: 0)
    var there = try Preprocessing(steps: [.resample(resampling)])([cut])[0]
    there.voxels = there.voxels.map { min(max($0, 0), 1) }
    let back = try there.resampled(onto: cut.grid, method: .linear)
    let expected = back.box(origin: SIMD3(-3, 0, 0), size: volume.grid.size, outside: 0)
    for steps in [[crop, .resample(resampling)], [crop, .resample(resampling), pad]] {
      for stored in allStorageOrders(of: volume).enumerated().filter({ $0.offset % 11 == 3 }).map(\.element) {
        let found = try predict(stored, steps).probabilities[1].reorientedToRAS().volume
        let worst = zip(found.voxels, expected.voxels).map { abs($0 - $1) }.max() ?? 1
        #expect(worst < 2e-5, "\(Orientation(of: stored.grid.affine)): \(worst)")
      }
    }
  }

  /// S4: trains at one size, predicts at another, and both come back.
  @Test func theSizeInPredictionIsTheOneThatComesBack() throws {
    var sizes: [Int] = []
    let steps = [
      PreprocessingStep.resample(
        .init(size: SIMD3(repeating: 24), sizeInPrediction: SIMD3(28, 40, 26), image: .nearest))
    ]
    let network = PatchNetwork(patch: SIMD3(28, 40, 26), batch: 1, channelCount: 1, classCount: 2) { input in
      sizes.append(input.count)
      return input.map { 1 - $0 } + input
    }
    let member = PredictionMember(network: network, preprocessing: Preprocessing(steps: steps))
    let labels = try VolumePredictor(members: [member], ids: [0, 7])([scan()]).labels
    #expect(sizes == [28 * 40 * 26])
    #expect(zip(labels.voxels, scan().voxels).allSatisfy { ($0 == 7) == ($1 == 1) })
  }

  @Test func axesComposeByArithmetic() {
    // Ten voxels, 2 ..< 8 kept, brought to 3, padded by 1 and 2: voxel 2 of the scan lies at ¼ of prepared voxel 1.
    var extent = PreparedExtent(SIMD3(10, 1, 1))
    extent.box(origin: SIMD3(2, 0, 0), size: SIMD3(6, 1, 1))
    extent.resample(to: SIMD3(3, 1, 1))
    extent.box(origin: SIMD3(-1, 0, 0), size: SIMD3(6, 1, 1))
    #expect(extent.first.x == 0 && extent.last.x == 12)
    #expect(extent.contentFirst.x == 2 && extent.contentLast.x == 8)
    let axis = AxisReturn.axes(from: extent, onto: SIMD3(10, 1, 1))[0]
    #expect(axis.inside == 2..<8)
    #expect(axis.low == [1, 1, 1, 2, 2, 3] && axis.high == [1, 2, 2, 3, 3, 3])
    #expect(axis.share == [0, 0.25, 0.75, 0.25, 0.75, 0])
    // The content is narrower than one prepared voxel, which has the say all the same.
    var narrow = PreparedExtent(SIMD3(3, 1, 1))
    narrow.box(origin: SIMD3(-10, 0, 0), size: SIMD3(24, 1, 1))
    narrow.resample(to: SIMD3(2, 1, 1))
    let one = AxisReturn.axes(from: narrow, onto: SIMD3(3, 1, 1))[0]
    #expect(one.inside == 0..<3 && one.low == [0, 0, 0] && one.high == [0, 0, 0])
  }

  /// What is stated beforehand is what stands there: windows of the prepared size, copies, and what resampling needs.
  @Test func memoryFollowsTheSteps() throws {
    let volume = blobs(SIMD3(20, 24, 16), affine: obliqueAffine)
    let bytes = 4 * volume.voxels.count
    func memory(_ steps: [PreprocessingStep]) throws -> PredictionMemory {
      let member = PredictionMember(
        network: copyingNetwork(patch: SIMD3(8, 8, 8)), preprocessing: Preprocessing(steps: steps))
      return try VolumePredictor(members: [member], ids: [0, 1]).memory(for: volume.grid)
    }
    let plain = try memory([])
    #expect(plain.preparingBytes == bytes && plain.bytes == plain.fixedBytes + plain.blendingBytes)
    // Padded to 60³, the copy is what weighs.
    let padded = try memory([.cropOrPad(.init(size: SIMD3(repeating: 60)))])
    #expect(padded.fixedBytes - plain.fixedBytes == 4 * 60 * 60 * 60)
    #expect(padded.preparingBytes == bytes + 2 * 4 * 60 * 60 * 60)
    #expect(padded.blendingBytes > plain.blendingBytes)
    // Brought up and down again: the middle counts while it is prepared, and only then.
    let detour = try memory([
      .resample(.init(size: SIMD3(repeating: 80), image: .cubic)), .resample(.init(size: SIMD3(repeating: 8))),
    ])
    #expect(detour.fixedBytes - plain.fixedBytes == 4 * 8 * 8 * 8)
    #expect(detour.preparingBytes == bytes + 3 * 4 * 80 * 80 * 80)
    #expect(detour.bytes == detour.preparingBytes)
    #expect(detour.leastBytes == detour.preparingBytes)
  }
}
