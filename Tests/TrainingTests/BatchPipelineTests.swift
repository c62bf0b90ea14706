import Synchronization
import Testing
import Volumes

@testable import Training

@Suite struct BatchPipelineTests {
  private func batch(_ index: Int) -> MicroBatch {
    MicroBatch(input: [Float(index)], target: .classes([Int32(index)]))
  }

  @Test(arguments: [1, 2, 5])
  func batchesComeInOrderWhateverTheThreads(_ threads: Int) {
    let pipeline = BatchPipeline(first: 40, capacity: 4, threadCount: threads) { index in
      // Uneven work, so that threads overtake each other.
      var sum = 0.0
      for i in 0..<(index % 7) * 20_000 { sum += Double(i).squareRoot() }
      return MicroBatch(input: [Float(index), sum.isFinite ? 0 : 1], target: .classes([]))
    }
    let indices = (0..<200).map { _ in Int(pipeline.next().input[0]) }
    pipeline.stop()
    #expect(indices == Array(40..<240))
  }

  @Test func noMoreIsMadeThanTheCapacity() {
    let most = Counter()
    let pipeline = BatchPipeline(first: 0, capacity: 3, threadCount: 2) { index in
      most.value.withLock { $0 = max($0, index) }
      return MicroBatch(input: [], target: .classes([]))
    }
    for _ in 0..<10 { _ = pipeline.next() }
    pipeline.stop()
    // Ten were taken, so indices up to 9 + 3 may have been begun.
    let highest = most.value.withLock { $0 }
    #expect(highest >= 9 && highest <= 12)
  }

  @Test func stoppingDoesNotWaitForAConsumer() {
    let pipeline = BatchPipeline(first: 0, capacity: 2, threadCount: 3) { _ in
      MicroBatch(input: [], target: .classes([]))
    }
    pipeline.stop()
    pipeline.stop()
  }

  @Test func aBatchIsAPureFunctionOfItsIndex() throws {
    let workspace = try Workspace()
    try workspace.makePhantoms(3)
    let recipe = try workspace.recipe(["data.split=null"])
    let dataset = try Dataset(recipe)
    let batches = try PatchBatches(dataset, recipe: recipe, isOneHot: false)
    let again = try PatchBatches(try Dataset(recipe), recipe: recipe, isOneHot: false)
    #expect(batches(11).input == again(11).input)
    #expect(batches(11).input != batches(12).input)
    #expect(batches(11).input.count == 2 * 16 * 16 * 8)
    guard case .classes(let classes) = batches(11).target else {
      Issue.record("targets are no classes")
      return
    }
    let oneHot = try PatchBatches(dataset, recipe: recipe, isOneHot: true)
    guard case .channels(let channels) = oneHot(11).target else {
      Issue.record("targets are no channels")
      return
    }
    let voxels = 16 * 16 * 8
    for n in 0..<2 {
      for v in 0..<voxels {
        for c in 0..<5 {
          let own = classes[n * voxels + v]
          // What counts nowhere does so in every channel.
          let expected: Float = own < 0 ? -1 : own == Int32(c) ? 1 : 0
          guard channels[(n * 5 + c) * voxels + v] == expected else {
            Issue.record("sample \(n), voxel \(v), class \(c)")
            return
          }
        }
      }
    }
  }

  /// Ids with gaps, as the files have them: a mirrored left kidney is a right one.
  @Test func sidesThatSwapAreTheClassesOfTheirIds() throws {
    let workspace = try Workspace()
    try workspace.makePhantoms(1)
    let path = workspace.file("data/labels/p0.nii.gz")
    var labels = try NiftiFile.readLabels(path).labels
    for i in labels.voxels.indices { labels.voxels[i] = i % 24 < 6 ? 7 : i % 24 < 18 ? 0 : 200 }
    try NiftiFile.writeLabels(labels, to: path)
    func classes(_ swapped: String) throws -> [Int32] {
      let recipe = try workspace.recipe([
        "data.split=null", "data.classes={background: 0, kidney_left: 7, kidney_right: 200}",
        "sampler={patch: [24, 24, 16], inside: true, batch: 1}",
        "augmentation={leftRightFlipProbability: 1, labelsSwappedByLeftRightFlip: \(swapped)}",
      ])
      guard case .classes(let found) = try PatchBatches(Dataset(recipe), recipe: recipe, isOneHot: false)(0).target
      else { return [] }
      return found
    }
    let expected = labels.voxels.map { $0 == 7 ? 1 : $0 == 200 ? 2 : 0 } as [Int32]
    #expect(try classes("[[7, 200]]") == expected)
    #expect(try classes("[['kidney_right', 'kidney_left']]") == expected)
    #expect(try classes("[]") == expected.map { $0 == 0 ? 0 : 3 - $0 })
  }

  @Test func anOverfitPatchHasItsShare() throws {
    let workspace = try Workspace()
    try workspace.makePhantoms(2)
    let recipe = try workspace.recipe([
      "data.split=null", "training.overfitOnePatch={class: 'liver', fraction: [0.1, 0.5]}",
    ])
    let batches = try PatchBatches(try Dataset(recipe), recipe: recipe, isOneHot: false)
    let patch = try #require(batches.fixedPatch)
    let share = Double(patch.labels.count { $0 == 1 }) / Double(patch.labels.count)
    #expect((0.1...0.5).contains(share))
    #expect(batches.patch(sample: 5) == patch)
    let impossible = try workspace.recipe([
      "data.split=null", "training.overfitOnePatch={class: 'liver', fraction: [0.999, 1]}",
    ])
    #expect(throws: DatasetErrors.self) {
      try PatchBatches(try Dataset(impossible), recipe: impossible, isOneHot: false)
    }
  }
}

private final class Counter: Sendable {
  let value = Mutex(-1)
}
