import ExecutionPlan
import RealModule

extension LoadedPlan {
  /// Writes a named tensor whole.
  public func write<Element>(_ values: [Element], to name: String) throws {
    guard let tensor = plan.tensor(name) else { preconditionFailure("internal: no tensor \(name)") }
    let bytes = values.count * MemoryLayout<Element>.stride
    precondition(
      bytes == tensor.sizeInBytes, "internal: \(name) takes \(tensor.sizeInBytes) bytes, not \(bytes)")
    try values.withUnsafeBytes { try write($0, to: tensor.address) }
  }

  /// Reads a named tensor whole.
  public func read<Element>(_ name: String) throws -> [Element] {
    guard let tensor = plan.tensor(name) else { preconditionFailure("internal: no tensor \(name)") }
    let count = tensor.sizeInBytes / MemoryLayout<Element>.stride
    return try [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
      try read(UnsafeMutableRawBufferPointer(buffer), from: tensor.address)
      initialized = count
    }
  }
}

/// Running statistics at the start: mean 0; variance or standard deviation 1.
public func initialBuffers(_ plan: ExecutionPlan) -> [Float] {
  plan.buffers.flatMap { record in
    [Float](repeating: record.name.hasSuffix("running_mean") ? 0 : 1, count: record.count)
  }
}

func naturalLog(_ x: Double) -> Double { x > 0 ? Double.log(x) : -.infinity }
