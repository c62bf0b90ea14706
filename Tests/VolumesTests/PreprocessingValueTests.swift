import FoundationEssentials
import Testing

@testable import Volumes

/// Each transform against the library that its users know it from: tools/reference/make_preprocessing_values.py.
///
/// Errors are of the largest reference value. Linear operations stay below 1e-6 (float32 sums in another order),
/// the spline below 3e-6; labels are exact wherever no tie stands.
@Suite("Preprocessing against its references")
struct PreprocessingValueTests {
  struct Values: Decodable {
    struct Resized: Decodable {
      var size: [Int]
      var newSize: [Int]
      var method: ResamplingMethod
      var values: [Double]
    }
    struct Labels: Decodable {
      var size: [Int]
      var newSize: [Int]
      /// −1: a tie.
      var argmax: [Int32]
      var nearest: [Int32]
    }
    struct CropOrPad: Decodable {
      var size: [Int]
      var newSize: [Int]
      var minimum: Bool
      var values: [Double]
    }
    struct Rescaling: Decodable {
      struct Case: Decodable {
        var normalisation: Normalisation
        var hollow: Bool?
        var values: [Double]
      }
      var size: [Int]
      var cases: [Case]
    }
    struct World: Decodable {
      struct Case: Decodable {
        var size: [Int]
        var affine: [[Double]]
        var outside: Int
        /// −77 outside.
        var linear: [Double]
        /// −1 outside, −2 on a tie.
        var nearest: [Int32]
      }
      var targetSize: [Int]
      var targetAffine: [[Double]]
      var cases: [Case]
    }
    var resizing: [Resized]
    var labels: [Labels]
    var cropOrPad: [CropOrPad]
    var rescaling: Rescaling
    var world: World
  }

  let values: Values

  init() throws { values = try TestData.decode(Values.self, "preprocessing.json") }

  private func ids(_ grid: VolumeGrid) -> LabelVolume {
    let n = grid.size
    return LabelVolume(
      grid: grid,
      voxels: (0..<grid.count).map { index in
        let (i, j, k) = (index % n.x, index / n.x % n.y, index / (n.x * n.y))
        return Int32((i / 3 + j / 2 + 2 * (k / 2)) % 4)
      })
  }

  private func affine(_ rows: [[Double]]) -> Affine {
    func column(_ c: Int) -> SIMD3<Double> { SIMD3(rows[0][c], rows[1][c], rows[2][c]) }
    return Affine(columns: (column(0), column(1), column(2)), translation: column(3))
  }

  @Test func resizingIsPyTorchsAndScipys() throws {
    #expect(Set(values.resizing.map(\.method)) == Set(ResamplingMethod.allCases))
    for c in values.resizing {
      let volume = sampleVolume(SIMD3(c.size))
      let result = try volume.resampled(onto: volume.grid.resampled(toSize: SIMD3(c.newSize)), method: c.method)
      let error = largestRelativeError(result.voxels, c.values)
      #expect(result.voxels.count == c.values.count)
      #expect(error < (c.method == .cubic ? 3e-6 : 1e-6), "\(c.method) \(c.size) → \(c.newSize): \(error)")
    }
  }

  @Test func labelsArePyTorchsAwayFromTies() throws {
    for c in values.labels {
      let labels = ids(VolumeGrid(size: SIMD3(c.size), affine: obliqueAffine))
      let target = labels.grid.resampled(toSize: SIMD3(c.newSize))
      #expect(try labels.resampled(onto: target).voxels == c.nearest)
      let argmax = try labels.resampled(onto: target, method: .linearArgmax).voxels
      let wrong = zip(argmax, c.argmax).filter { $1 >= 0 && $0 != $1 }.count
      #expect(wrong == 0 && argmax.count == c.argmax.count, "\(c.size) → \(c.newSize): \(wrong)")
      #expect(c.argmax.filter { $0 < 0 }.count * 2 < c.argmax.count, "mostly ties show nothing")
    }
  }

  @Test func croppingAndPaddingIsTorchIOs() throws {
    for c in values.cropOrPad {
      let volume = sampleVolume(SIMD3(c.size))
      let origin = volume.grid.centredOrigin(of: SIMD3(c.newSize))
      let outside = c.minimum ? try #require(volume.voxels.min()) : 0
      let result = volume.box(origin: origin, size: SIMD3(c.newSize), outside: outside)
      #expect(largestRelativeError(result.voxels, c.values) < 1e-7, "\(c.size) → \(c.newSize)")
      #expect(result.voxels.count == c.values.count)
      // A voxel keeps its place in the world.
      #expect(result.grid.affine(-SIMD3<Double>(origin)) == volume.grid.affine.translation)
    }
  }

  @Test func rescalingIsTorchIOsAndMONAIs() throws {
    for c in values.rescaling.cases {
      var volume = sampleVolume(SIMD3(values.rescaling.size))
      if c.hollow == true { volume.voxels = volume.voxels.map { abs($0) < 15 ? 0 : $0 } }
      let error = largestRelativeError(c.normalisation(volume).voxels, c.values)
      #expect(error < 1e-6, "\(c.normalisation): \(error)")
    }
  }

  /// Trilinear through the affines; where the reference holds edge values, so does this one.
  @Test func gridsOfTheirOwnMeetInTheWorld() throws {
    let target = VolumeGrid(size: SIMD3(values.world.targetSize), affine: affine(values.world.targetAffine))
    for c in values.world.cases {
      var volume = sampleVolume(SIMD3(c.size))
      volume.grid.affine = affine(c.affine)
      let result = volume.resampledInWorld(onto: target, outside: -77)
      #expect(result.grid == target)
      #expect(result.voxels.filter { $0 == -77 }.count == c.outside && c.outside > 0)
      #expect(largestRelativeError(result.voxels, c.linear) < 1e-6)
      let labels = ids(volume.grid).resampledInWorld(onto: target, outside: -1).voxels
      #expect(zip(labels, c.nearest).allSatisfy { $1 == -2 || $0 == $1 })
      #expect(c.nearest.filter { $0 >= 0 }.count > 30)
    }
  }

  @Test func aGridMeetsItselfAndItsTurnedCopies() {
    var volume = sampleVolume(SIMD3(6, 5, 4))
    volume.grid.affine = obliqueAffine
    #expect(largestRelativeError(
      volume.resampledInWorld(onto: volume.grid, outside: 0).voxels, volume.voxels.map { Double($0) }) < 1e-6)
    let upright = volume.reorientedToRAS()
    #expect(!upright.reorientation.isIdentity)
    let back = upright.volume.resampledInWorld(onto: volume.grid, outside: 0)
    #expect(largestRelativeError(back.voxels, volume.voxels.map { Double($0) }) < 1e-6)
  }

  /// Lines longer than the exact sum's reach, and many of them: blocks and cores leave no trace.
  @Test func longLinesAreFilteredLikeShortOnes() {
    for size in [SIMD3(64, 3, 2), SIMD3(3, 64, 2), SIMD3(600, 2, 41)] {
      for axis in 0..<3 {
        let volume = sampleVolume(size)
        var coefficients = volume.voxels
        SplinePrefilter.apply(along: axis, to: &coefficients, size: size)
        // The spline's values at the voxels, (c₋ + 4c + c₊) / 6, are the samples again.
        let stride = [1, size.x, size.x * size.y][axis]
        var worst: Float = 0
        for index in volume.voxels.indices {
          let i = index / stride % size[axis]
          func at(_ k: Int) -> Float {
            coefficients[index + (AxisTaps.mirrored(k, count: size[axis]) - i) * stride]
          }
          worst = max(worst, abs((at(i - 1) + 4 * at(i) + at(i + 1)) / 6 - volume.voxels[index]))
        }
        #expect(worst < 1e-4, "\(size) along \(axis): \(worst)")
      }
    }
  }
}
