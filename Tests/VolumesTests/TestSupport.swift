import FoundationEssentials
import Glibc

@testable import Volumes

/// Where test data lie, found by walking up from this file.
enum TestData {
  static let values = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Values")

  /// The folder of real and odd volumes beside the checkout; nil where it is not there.
  static let shared: URL? = {
    var folder = URL(filePath: #filePath).deletingLastPathComponent()
    while folder.path.count > 1 {
      for candidate in ["shared/data", "../shared/data"] {
        let url = folder.appending(path: candidate)
        if FileManager.default.fileExists(atPath: url.path) { return url.standardizedFileURL }
      }
      folder = folder.deletingLastPathComponent()
    }
    return nil
  }()

  static var oddNifti: URL? {
    shared.map { $0.appending(path: "odd-nifti") }.flatMap {
      FileManager.default.fileExists(atPath: $0.path) ? $0 : nil
    }
  }

  static func decode<T: Decodable>(_: T.Type, _ name: String) throws -> T {
    try JSONDecoder().decode(T.self, from: Data(contentsOf: values.appending(path: name)))
  }
}

/// A folder that is gone after the closure.
func withTemporaryFolder<R>(_ body: (URL) throws -> R) throws -> R {
  let folder = FileManager.default.temporaryDirectory
    .appending(path: "volumes-\(UInt64.random(in: 0 ... .max))")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder)
}

/// The formula of tools/reference/make_volume_values.py.
func sampleVolume(_ size: SIMD3<Int>) -> Volume {
  var voxels: [Float] = []
  for k in 0..<size.z {
    for j in 0..<size.y {
      for i in 0..<size.x {
        let phase = 1.3 * Double(i) + 0.7 * Double(j * j) - 0.9 * Double(k)
        voxels.append(Float(100 * sin(phase) + 7 * Double((i + 2 * j + 3 * k) % 5)))
      }
    }
  }
  let grid = VolumeGrid(size: size, affine: Affine(spacingInMillimetres: SIMD3(1, 1.5, 3)))
  return Volume(grid: grid, voxels: voxels)
}

/// Oblique, left-handed, anisotropic: nothing about it is special.
let obliqueAffine: Affine = {
  let c = 0.9689124217106447
  let s = 0.24740395925452294
  return Affine(
    columns: (SIMD3(-0.8 * c, -0.8 * s, 0), SIMD3(-1.1 * s, 1.1 * c, 0), SIMD3(0, 0, 3.5)),
    translation: SIMD3(81.25, -102.5, 33.75))
}()

func largestRelativeError(_ values: [Float], _ reference: [Double]) -> Double {
  let scale = reference.map { abs($0) }.max() ?? 1
  return zip(values, reference).map { abs(Double($0) - $1) }.max().map { $0 / max(scale, 1e-30) } ?? 0
}

extension SIMD3 where Scalar == Int {
  init(_ values: [Int]) { self.init(values[0], values[1], values[2]) }
}
