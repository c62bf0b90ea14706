import CPUBackend
import ExecutionPlan
import OpenCLBackend
import Testing

/// The devices that the cases run on.
enum TestDevice: String, CustomTestStringConvertible, Sendable {
  case cpu, openCL
  var testDescription: String { rawValue }

  /// The one that the environment names, else the first.
  static let chosenOpenCL = OpenCLDevice.all().first {
    Environment.device == nil || $0.description.id == Environment.device
  }
  static let hasOpenCL = chosenOpenCL != nil
  static let noOpenCL: Comment = "this computer has no such OpenCL device"

  func open() throws -> any Device {
    switch self {
    case .cpu: try CPUDevice()
    case .openCL: try #require(Self.chosenOpenCL)
    }
  }
}
