import Glibc

/// What the environment chooses: `VOXCL_VALUES=FOLDER` reads other values than the repository's,
/// `VOXCL_WRITE_ONNX=FILE` writes what ONNX Runtime is asked about,
/// `VOXCL_MATRIX=1` runs every case on the OpenCL device, `VOXCL_DEVICE=opencl:1` says which (default the first).
enum Environment {
  static let valuesFolder =
    text("VOXCL_VALUES") ?? #filePath.split(separator: "/").dropLast(2).reduce("") { $0 + "/" + $1 } + "/Values"
  static let hasFreshValues = text("VOXCL_VALUES") != nil
  static let runsMatrix = text("VOXCL_MATRIX") == "1"
  static let device = text("VOXCL_DEVICE")
  /// Where to write the ONNX file whose values ONNX Runtime is to make.
  static let fileToWrite = text("VOXCL_WRITE_ONNX")

  private static func text(_ name: String) -> String? {
    guard let value = getenv(name), value[0] != 0 else { return nil }
    return String(cString: value)
  }
}
