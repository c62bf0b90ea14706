/// What the compiler may know of a device. Results never depend on it; only tiling and groups do.
public struct DeviceDescription: Sendable, Codable, Equatable {
  /// `opencl:0`, `cpu`.
  public var id: String
  public var name: String
  public var vendor: String
  public var kind: Kind
  public var memoryBytes: Int
  public var maxAllocationBytes: Int
  public var computeUnits: Int
  public var capabilities: [String]
  /// What was measured on it; empty where nothing was. No part of its JSON.
  public var tuning = TuningTable()

  public enum Kind: String, Sendable, Codable { case cpu, gpu, accelerator }

  public init(
    id: String, name: String, vendor: String, kind: Kind, memoryBytes: Int,
    maxAllocationBytes: Int, computeUnits: Int, capabilities: [String]
  ) {
    self.id = id
    self.name = name
    self.vendor = vendor
    self.kind = kind
    self.memoryBytes = memoryBytes
    self.maxAllocationBytes = maxAllocationBytes
    self.computeUnits = computeUnits
    self.capabilities = capabilities
  }

  private enum CodingKeys: CodingKey {
    case id, name, vendor, kind, memoryBytes, maxAllocationBytes, computeUnits, capabilities
  }
}

/// A device that can run plans.
public protocol Device: AnyObject, Sendable {
  var description: DeviceDescription { get }
  /// Allocates the arenas (zeroed), compiles the kernels, builds the command lists.
  /// - Throws: `MemoryError` where an arena does not fit; the backend's own error otherwise.
  func load(_ plan: ExecutionPlan) throws -> any LoadedPlan
}

/// A plan on a device. Not thread-safe: one thread drives it.
public protocol LoadedPlan: AnyObject {
  var plan: ExecutionPlan { get }
  /// Bytes allocated through the device's own interface, counted at the call.
  var allocatedBytes: Int { get }
  func write(_ bytes: UnsafeRawBufferPointer, to address: ArenaAddress) throws
  func read(_ bytes: UnsafeMutableRawBufferPointer, from address: ArenaAddress) throws
  /// Runs a program to its end.
  func run(_ program: ProgramName) throws
  /// Runs a program and returns the seconds of each of its calls.
  func profile(_ program: ProgramName) throws -> [Double]
}

/// The device has too little memory for a plan.
public struct MemoryError: Error, CustomStringConvertible, Sendable {
  public var neededBytes: Int
  public var availableBytes: Int
  public var device: String
  public var proposal: String

  public init(neededBytes: Int, availableBytes: Int, device: String, proposal: String = "") {
    self.neededBytes = neededBytes
    self.availableBytes = availableBytes
    self.device = device
    self.proposal = proposal
  }

  public var description: String {
    return "needs \(sizeText(neededBytes)), \(device) has \(sizeText(availableBytes))"
      + (proposal.isEmpty ? "" : ": \(proposal)")
  }
}
