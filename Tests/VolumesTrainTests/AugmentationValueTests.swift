import FoundationEssentials
import RealModule
import Testing

@testable import Volumes

/// Each transform against its reference library, on the same input with the same parameters
/// (`tools/reference/make_augmentation_values.py`).
@Suite struct AugmentationValueTests {
  struct Values: Decodable {
    struct Elastic: Decodable {
      var controlSpacing: [Double]
      var cells: [Int]
      var displacements: [Double]
    }
    struct Spatial: Decodable {
      var name: String
      var size, origin, patch: [Int]
      var spacing, angles, scale, translation: [Double]
      var mirror: [Bool]
      var elastic: Elastic?
      var outside: [Int]
      var linear, nearest: [Float]
      var labels: [Int32]
    }
    struct Blur: Decodable {
      var size: [Int]
      var sigma: [Double]
      var values: [Float]
    }
    struct LowResolution: Decodable {
      var size: [Int]
      var share: [Double]
      var values: [Float]
    }
    struct Intensity: Decodable {
      var kind: String
      var size: [Int]
      var parameter: Float
      var values: [Float]
    }
    var spatial: [Spatial]
    var blur: [Blur]
    var lowResolution: [LowResolution]
    var intensity: [Intensity]
  }

  let values: Values

  init() throws { values = try referenceFile("augmentation_values.json", as: Values.self) }

  func axes<Scalar>(_ list: [Scalar]) -> SIMD3<Scalar> { SIMD3(list[0], list[1], list[2]) }

  /// The script's image and labels.
  func image(_ n: [Int]) -> [Float] {
    voxels(n) { x, y, z in Float(Double((7 * x + 13 * y + 29 * z + x * y + 3 * y * z) % 37) / 37 - 0.4) }
  }

  func labels(_ n: [Int]) -> [Int32] { voxels(n) { x, y, z in Int32((x / 3 + 2 * (y / 3) + z / 2) % 4) } }

  func voxels<Voxel>(_ n: [Int], _ value: (Int, Int, Int) -> Voxel) -> [Voxel] {
    (0..<n[0] * n[1] * n[2]).map { value($0 % n[0], $0 / n[0] % n[1], $0 / (n[0] * n[1])) }
  }

  /// The largest difference, relative to the largest value.
  func error(_ found: [Float], _ expected: [Float]) -> Float {
    guard found.count == expected.count else { return .infinity }
    let scale = expected.reduce(0) { max($0, abs($1)) }
    return zip(found, expected).reduce(0) { max($0, abs($1.0 - $1.1)) } / scale
  }

  func transform(_ wanted: Values.Spatial) -> SpatialTransform {
    var transform = SpatialTransform()
    for axis in 0..<3 where wanted.mirror[axis] {
      transform.mirroredAxes.insert(MirrorAxes(rawValue: 1 << UInt8(axis)))
    }
    transform.rotationInRadians = axes(wanted.angles)
    transform.scale = axes(wanted.scale)
    transform.translationInMillimetres = axes(wanted.translation)
    transform.elastic = wanted.elastic.map { elastic in
      ElasticDeformation(
        controlSpacingInMillimetres: axes(elastic.controlSpacing), cells: axes(elastic.cells),
        displacements: stride(from: 0, to: elastic.displacements.count, by: 3).map {
          axes(Array(elastic.displacements[$0..<$0 + 3]))
        })
    }
    return transform
  }

  /// Linear values to 1e-5 of the largest, nearest ones and labels exactly; padding where SciPy's positions are
  /// outside, and none where the border goes on.
  @Test func resamplingIsThatOfMapCoordinates() throws {
    for wanted in values.spatial {
      let grid = VolumeGrid(
        size: axes(wanted.size), affine: Affine(spacingInMillimetres: axes(wanted.spacing)))
      let source = try PatchSource(
        name: wanted.name, channels: [Volume(grid: grid, voxels: image(wanted.size))],
        labels: LabelVolume(grid: grid, voxels: labels(wanted.size)))
      func patch(_ outside: [Float]?, _ interpolation: AugmentationSettings.Interpolation) -> Patch {
        source.resampled(
          origin: axes(wanted.origin), size: axes(wanted.patch), outside: outside,
          transform: transform(wanted), interpolation: interpolation)
      }
      let border = patch(nil, .linear)
      #expect(error(border.voxels, wanted.linear) < 1e-5, "\(wanted.name)")
      #expect(border.labels == wanted.labels, "\(wanted.name)")
      let nearest = patch(nil, .nearest)
      #expect(error(nearest.voxels, wanted.nearest) < 1e-7, "\(wanted.name)")
      let padded = patch([-7], .linear)
      let isOutside = wanted.outside.map { $0 == 1 }
      #expect(padded.labels == zip(wanted.labels, isOutside).map { $1 ? ignoreLabel : $0 }, "\(wanted.name)")
      #expect(padded.voxels == zip(border.voxels, isOutside).map { $1 ? -7 : $0 }, "\(wanted.name)")
    }
    #expect(values.spatial.contains { $0.outside.contains(1) } && values.spatial.contains { $0.elastic != nil })
  }

  @Test func blurIsThatOfGaussianFilter() {
    for wanted in values.blur {
      var found = image(wanted.size)
      found.withUnsafeMutableBufferPointer {
        blur($0, size: axes(wanted.size), sigmaInVoxels: axes(wanted.sigma))
      }
      #expect(error(found, wanted.values) < 1e-6, "\(wanted.sigma)")
    }
  }

  @Test func lowResolutionIsThatOfBatchgenerators() {
    for wanted in values.lowResolution {
      var found = image(wanted.size)
      found.withUnsafeMutableBufferPointer {
        lowerResolution($0, size: axes(wanted.size), share: axes(wanted.share))
      }
      #expect(error(found, wanted.values) < 1e-6, "\(wanted.share)")
    }
  }

  @Test func intensitiesAreThoseOfBatchgenerators() {
    for wanted in values.intensity {
      var found = image(wanted.size)
      found.withUnsafeMutableBufferPointer {
        switch wanted.kind {
        case "brightness": scaleAndShift($0, factor: wanted.parameter, shift: 0)
        case "shift": scaleAndShift($0, factor: 1, shift: wanted.parameter)
        case "contrast": scaleContrast($0, factor: wanted.parameter)
        default: applyGamma($0, gamma: wanted.parameter, inverts: wanted.kind == "negated gamma")
        }
      }
      // Gamma is not linear: the power's error and the library's single-precision statistics come in.
      let limit: Float = wanted.kind.hasSuffix("gamma") ? 1e-5 : 1e-6
      #expect(error(found, wanted.values) < limit, "\(wanted.kind) \(wanted.parameter)")
    }
    #expect(values.intensity.count == 8)
  }
}
