import CPUBackend
import ExecutionPlan
import OpenCLBackend
import Testing

/// The devices that the cases run on.
enum TestDevice: String, CustomTestStringConvertible, Sendable {
  case cpu, openCL
  var testDescription: String { rawValue }

  static let firstOpenCL = OpenCLDevice.all().first
  static let hasOpenCL = firstOpenCL != nil
  static let noOpenCL: Comment = "this computer has no OpenCL device"

  func open() throws -> any Device {
    switch self {
    case .cpu: try CPUDevice()
    case .openCL: try #require(Self.firstOpenCL)
    }
  }
}
