import Testing

@testable import Volumes

@Suite struct SlidingWindowTests {
  struct Importance: Decodable {
    var patchSize: [Int]
    var weights: [Double]
  }

  struct File: Decodable { var importance: [Importance] }

  @Test func lastWindowShiftsInwardAndSmallVolumesAreCentred() {
    #expect(SlidingWindow.axisOrigins(volume: 10, patch: 4, overlap: 0.5) == [0, 2, 4, 6])
    #expect(SlidingWindow.axisOrigins(volume: 11, patch: 4, overlap: 0.5) == [0, 2, 4, 6, 7])
    #expect(SlidingWindow.axisOrigins(volume: 9, patch: 4, overlap: 0) == [0, 4, 5])
    #expect(SlidingWindow.axisOrigins(volume: 4, patch: 4, overlap: 0.5) == [0])
    #expect(SlidingWindow.axisOrigins(volume: 3, patch: 8, overlap: 0.5) == [-2])
    #expect(SlidingWindow.axisOrigins(volume: 4, patch: 2, overlap: 0.99) == [0, 1, 2])
  }

  @Test func windowsCoverEveryVoxelInOrder() throws {
    for (volume, patch) in [(SIMD3(13, 9, 21), SIMD3(6, 5, 8)), (SIMD3(3, 20, 7), SIMD3(8, 8, 7))] {
      for overlap in [0, 0.25, 0.5, 0.75] {
        let window = try SlidingWindow(volumeSize: volume, patchSize: patch, overlap: overlap)
        var covered = Set<SIMD3<Int>>()
        for o in window.origins {
          for z in 0..<patch.z {
            for y in 0..<patch.y { for x in 0..<patch.x { covered.insert(o &+ SIMD3(x, y, z)) } }
          }
          for axis in 0..<3 {
            // Inside the volume, or around it where the volume is smaller.
            let free = volume[axis] - patch[axis]
            #expect(free >= 0 ? (0...free).contains(o[axis]) : (free...0).contains(o[axis]))
          }
        }
        for z in 0..<volume.z {
          for y in 0..<volume.y {
            for x in 0..<volume.x { #expect(covered.contains(SIMD3(x, y, z))) }
          }
        }
        #expect(zip(window.origins, window.origins.dropFirst()).allSatisfy { $0.z <= $1.z })
      }
    }
    #expect(throws: SettingProblem.self) {
      try SlidingWindow(volumeSize: SIMD3(4, 4, 4), patchSize: SIMD3(2, 2, 2), overlap: 1)
    }
  }

  @Test func importanceIsSciPysGaussian() throws {
    let file = try referenceFile("metric_values.json", as: File.self)
    #expect(file.importance.count == 2)
    for entry in file.importance {
      let size = SIMD3(entry.patchSize[0], entry.patchSize[1], entry.patchSize[2])
      let weights = SlidingWindow.gaussianImportance(size)
      #expect(weights.count == entry.weights.count)
      #expect(weights.max() == 1 && (weights.min() ?? 0) > 0)
      for (weight, expected) in zip(weights, entry.weights) {
        #expect(abs(Double(weight) - expected) <= 1e-6 * expected)
      }
    }
  }

  /// p of class c at a voxel: any function of the place, so blending equal values returns them.
  func probability(_ c: Int, _ p: SIMD3<Int>) -> Float { Float((p.x * 7 + p.y * 3 + p.z * 5 + c * 11) % 13) }

  func collect(
    _ window: SlidingWindow, rows: Range<Int>? = nil, value: (Int, SIMD3<Int>, SIMD3<Int>) -> Float
  ) -> [ProbabilitySlice] {
    var slices: [ProbabilitySlice] = []
    var accumulator = ProbabilityAccumulator(window: window, classCount: 2, rows: rows)
    for origin in window.origins(touchingRows: accumulator.rows) {
      var values: [Float] = []
      for c in 0..<2 {
        for z in 0..<window.patchSize.z {
          for y in 0..<window.patchSize.y {
            for x in 0..<window.patchSize.x {
              values.append(value(c, origin &+ SIMD3(x, y, z), origin))
            }
          }
        }
      }
      accumulator.add(values, origin: origin) { slices.append($0) }
    }
    accumulator.finish { slices.append($0) }
    return slices
  }

  @Test func equalWindowsBlendToThemselvesAlsoWithPadding() throws {
    for (volume, patch) in [(SIMD3(11, 9, 19), SIMD3(6, 5, 4)), (SIMD3(5, 12, 3), SIMD3(8, 4, 8))] {
      let window = try SlidingWindow(volumeSize: volume, patchSize: patch)
      let slices = collect(window) { c, p, _ in probability(c, p) }
      #expect(slices.map(\.z) == Array(0..<volume.z))
      for slice in slices {
        for c in 0..<2 {
          for y in 0..<volume.y {
            for x in 0..<volume.x {
              let found = slice.probabilities[x + volume.x * (y + volume.y * c)]
              #expect(abs(found - probability(c, SIMD3(x, y, slice.z))) < 1e-4)
            }
          }
        }
      }
    }
  }

  @Test func differingWindowsBlendByImportance() throws {
    let window = try SlidingWindow(volumeSize: SIMD3(5, 6, 9), patchSize: SIMD3(4, 4, 4))
    let value = { (c: Int, p: SIMD3<Int>, o: SIMD3<Int>) in
      Float(c + p.x) + 0.5 * Float(o.x + 2 * o.y + 3 * o.z)
    }
    let slices = collect(window, value: value)
    for slice in slices {
      for y in 0..<6 {
        for x in 0..<5 {
          var sum = 0.0
          var weights = 0.0
          for o in window.origins {
            let q = SIMD3(x, y, slice.z) &- o
            guard q.min() >= 0, q.max() < 4 else { continue }
            let weight = Double(window.importance[q.x + 4 * (q.y + 4 * q.z)])
            sum += weight * Double(value(1, SIMD3(x, y, slice.z), o))
            weights += weight
          }
          let found = Double(slice.probabilities[x + 5 * (y + 6)])
          #expect(abs(found - sum / weights) < 1e-5 * max(1, abs(found)))
        }
      }
    }
  }

  @Test func bandsOfRowsGiveTheSameBitsWithinTheBudget() throws {
    let window = try SlidingWindow(volumeSize: SIMD3(7, 10, 8), patchSize: SIMD3(4, 4, 4))
    let value = { (c: Int, p: SIMD3<Int>, o: SIMD3<Int>) in Float(c * p.y + o.x) + 0.1 * Float(o.z) }
    let whole = collect(window, value: value)
    let budget = ProbabilityAccumulator.sizeInBytes(window: window, classCount: 2, rowCount: 3)
    #expect(
      ProbabilityAccumulator.rowsWithin(budgetInBytes: budget, window: window, classCount: 2) == 3)
    #expect(budget == 3 * 7 * 4 * (3 * 4 + 2))
    for start in stride(from: 0, to: 10, by: 3) {
      let rows = start..<min(10, start + 3)
      let band = collect(window, rows: rows, value: value)
      #expect(band.count == 8)
      for (slice, all) in zip(band, whole) {
        for c in 0..<2 {
          let part = slice.probabilities[c * rows.count * 7..<(c + 1) * rows.count * 7]
          let expected = all.probabilities[(c * 10 + start) * 7..<(c * 10 + rows.upperBound) * 7]
          #expect(Array(part) == Array(expected))
        }
      }
    }
  }

  @Test func mostProbableClassTakesTheLowestOfEquals() {
    let slice = ProbabilitySlice(
      z: 0, rows: 0..<1, width: 4, classCount: 3,
      probabilities: [0.5, 0.1, 0.2, 0.3, 0.5, 0.6, 0.2, 0.3, 0.0, 0.3, 0.6, 0.4])
    #expect(slice.mostProbableClasses() == [0, 1, 2, 2])
  }

  @Test func mirroredPredictionAveragesThePassesInPlace() {
    // A "network" that adds the position along x: mirrored back, the mean position is the middle.
    let size = SIMD3(4, 3, 2)
    let input = (0..<24).map(Float.init)
    var passes = 0
    let mean = mirroredPrediction(
      of: input, size: size, channelCount: 1, classCount: 1, axes: [.x, .z]
    ) { voxels in
      passes += 1
      return voxels.enumerated().map { $1 + Float($0 % 4) }
    }
    #expect(passes == 4)
    for index in 0..<24 { #expect(abs(mean[index] - (input[index] + 1.5)) < 1e-5) }
  }
}
