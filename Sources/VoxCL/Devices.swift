@_exported import ExecutionPlan

import CPUBackend
import OpenCLBackend

public typealias KernelPreparation = OpenCLBackend.KernelPreparation
public typealias UnpreparedKernel = OpenCLBackend.UnpreparedKernel

/// Every device of this machine: OpenCL's first, then the CPU backend.
public struct Devices: Sendable {
  public let all: [any Device]

  public init() throws {
    all = OpenCLDevice.all() + [try CPUDevice()]
  }

  /// By id (`opencl:0`, `cpu`) or a part of the name, whatever the case; without a wish the best one: an OpenCL
  /// GPU, then any OpenCL device, then the CPU backend.
  /// - Throws: `DeviceError` that lists what there is.
  public func choose(_ wish: String?) throws(DeviceError) -> any Device {
    guard let wish else {
      return all.first { $0.description.kind == .gpu } ?? all[0]
    }
    let wanted = wish.lowercased()
    if let exact = all.first(where: { $0.description.id == wanted }) { return exact }
    if let named = all.first(where: { $0.description.name.lowercased().contains(wanted) }) { return named }
    throw DeviceError(wish: wish, found: all.map { "\($0.description.id) (\($0.description.name))" })
  }

  /// Builds a kernel that a plan's load found in no cache, in the process that `KernelPreparation`'s helper has started.
  /// - Throws: `DeviceError`, `KernelBuildError` or `OpenCLError`.
  public func prepare(_ kernel: UnpreparedKernel, on id: String) throws {
    guard let device = try choose(id) as? OpenCLDevice else { return }
    try device.prepare(kernel)
  }

  /// Keeps tuned tiles for later processes; false where the device has no place for them.
  public static func keep(_ table: TuningTable, of device: any Device) -> Bool {
    guard let device = device as? OpenCLDevice else { return false }
    device.keep(table)
    return true
  }

  /// Whether an error is the device's or its driver's.
  public static func isFault(_ error: any Error) -> Bool {
    error is OpenCLError || error is KernelBuildError || error is CPUBackendError
  }

  /// What plans are made for where no device is touched: a CPU-class device of this machine's kind, or the
  /// first device's own description.
  public static let planningDescription = DeviceDescription(
    id: "plan", name: "no device", vendor: "", kind: .cpu, memoryBytes: .max, maxAllocationBytes: .max,
    computeUnits: 2, capabilities: [])
}

/// The user named a device that does not exist.
public struct DeviceError: Error, CustomStringConvertible, Sendable {
  public var wish: String
  public var found: [String]
  public var description: String { "--device \(wish): no such device; found \(found.joined(separator: ", "))" }
}
