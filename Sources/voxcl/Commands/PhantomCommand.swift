import ArgumentParser
import FoundationEssentials
import VoxCL

struct PhantomCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "phantom", abstract: "Writes CT-like abdomens with known labels.",
    discussion: """
      DIR/images/phantom_000.nii.gz and DIR/labels/phantom_000.nii.gz …: body, liver (1), a tumour in it (2), \
      kidneys (3) and spine (4). Case i is the patient of seed S + i: the same arguments give the same bytes.
      """)

  @Option(name: .shortAndLong, help: "Folder to write.") var output: String
  @Option(help: "How many patients.") var cases = 1
  @Option(help: "Voxels, x × y × z, such as 96x96x64.") var size = VoxelTriple(SIMD3(96, 96, 64))
  @Option(help: "Millimetres between voxels, such as 3x3x4.") var spacing = VoxelTriple(SIMD3(3, 3, 4))
  @Option(help: "Degrees by which the grid is tilted against the patient.") var oblique = 0.0
  @Option(help: "Seed of the first patient.") var seed: UInt64 = 0

  func perform() throws {
    guard cases >= 1 else { throw UserError("--cases \(cases): expected at least 1") }
    guard let voxels = size.whole else { throw UserError("--size: expected whole numbers such as 96x96x64") }
    for number in 0..<cases {
      let phantom: Phantom
      do {
        phantom = try Phantom.make(
          seed: seed &+ UInt64(number), size: voxels, spacingInMillimetres: spacing.values,
          obliqueDegrees: oblique)
      } catch {
        throw UserError("--\(error.key) \(error.problem)")
      }
      let images = try makeFolder("\(output)/images")
      let labels = try makeFolder("\(output)/labels")
      // Scanners give whole Hounsfield units, which also compress to a third.
      var image = phantom.image
      image.voxels.withUnsafeMutableBufferPointer { v in for i in v.indices { v[i] = v[i].rounded() } }
      let digits = String(number)
      let name = "phantom_" + String(repeating: "0", count: max(0, 3 - digits.count)) + digits + ".nii.gz"
      try NiftiFile.write(image, to: "\(images)/\(name)")
      try NiftiFile.writeLabels(phantom.labels, to: "\(labels)/\(name)")
    }
    print(
      "\(output): \(cases) phantom\(cases == 1 ? "" : "s") of \(voxels.x)×\(voxels.y)×\(voxels.z) voxels; "
        + "labels 1 liver, 2 tumour, 3 kidneys, 4 spine")
  }
}

/// Three positive numbers, written `96x96x64`.
struct VoxelTriple: ExpressibleByArgument, CustomStringConvertible {
  var values: SIMD3<Double>

  init(_ values: SIMD3<Double>) { self.values = values }

  init?(argument: String) {
    let numbers = argument.lowercased().split(separator: "x", omittingEmptySubsequences: false)
      .compactMap { Double($0) }
    guard numbers.count == 3, numbers.allSatisfy({ $0 > 0 && $0 < 1e9 }) else { return nil }
    values = SIMD3(numbers[0], numbers[1], numbers[2])
  }

  /// As voxel counts; nil where one is no whole number.
  var whole: SIMD3<Int>? {
    guard (0..<3).allSatisfy({ values[$0] == values[$0].rounded() }) else { return nil }
    return SIMD3(Int(values.x), Int(values.y), Int(values.z))
  }

  var description: String {
    (0..<3).map { values[$0] == values[$0].rounded() ? "\(Int(values[$0]))" : "\(values[$0])" }
      .joined(separator: "x")
  }
  var defaultValueDescription: String { description }
}

/// Creates a folder with all that leads to it.
@discardableResult
func makeFolder(_ path: String) throws -> String {
  do {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  } catch {
    throw UserError("\(path): the folder cannot be made")
  }
  return path
}
