import ExecutionPlan
import FoundationEssentials
import Interchange
import KernelCatalog
import LayerGraph
import Training

/// A compiled network in a folder: plans, the kernels' text, weights, and a manifest with the hash of each file.
/// It runs where no compiler and no model source is.
public struct Bundle: Sendable {
  public struct File: Codable, Sendable, Equatable {
    public var path: String
    public var sha256: String
  }
  public struct PlanFile: Codable, Sendable, Equatable {
    public var file: File
    /// N×C×D×H×W.
    public var input: [Int]
    public var precision: Precision
    /// Device class that it was tiled for; every backend runs it.
    public var target: String
  }
  public struct Manifest: Codable, Sendable, Equatable {
    public var format = "voxcl-bundle"
    public var version = 1
    public var model: String
    public var plans: [PlanFile]
    public var kernels: [File]
    public var weights: File
    /// Backends that run it as it is.
    public var backends = ["opencl-c", "cpu"]
  }

  public var folder: String
  public var manifest: Manifest

  static let manifestName = "manifest.json"

  public static func isBundle(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: "\(path)/\(manifestName)")
  }

  // MARK: Writing

  /// Writes a bundle into a new folder: everything beside it first, then renamed, so that no half bundle stays.
  public static func write(
    _ plans: [(plan: ExecutionPlan, target: String)], graph: Graph, parameters: [Float], buffers: [Float]?,
    to folder: String
  ) throws {
    let files = FileManager.default
    guard !files.fileExists(atPath: folder) else {
      throw InterchangeError(path: folder, problem: "already exists; a bundle is written to a new folder")
    }
    let partial = folder + ".partial"
    try? files.removeItem(atPath: partial)
    do {
      try files.createDirectory(atPath: "\(partial)/plans", withIntermediateDirectories: true)
      try files.createDirectory(atPath: "\(partial)/kernels", withIntermediateDirectories: true)
      var manifest = Manifest(model: graph.name, plans: [], kernels: [], weights: File(path: "", sha256: ""))
      var kernels: [Kernel] = []
      for (index, entry) in plans.enumerated() {
        let path = "plans/\(index).json"
        let file = try put(try encode(entry.plan), partial, path)
        manifest.plans.append(
          PlanFile(
            file: file, input: entry.plan.tensor("predict/input")?.shape ?? [],
            precision: entry.plan.precision, target: entry.target))
        for kernel in entry.plan.kernels where !kernels.contains(where: { $0.name == kernel.name }) {
          kernels.append(kernel)
        }
      }
      for kernel in kernels.sorted(by: { $0.name < $1.name }) {
        let text = Data(try KernelText.source(of: kernel).utf8)
        manifest.kernels.append(try put(text, partial, "kernels/\(kernel.name).cl"))
      }
      try writeWeights(graph, parameters, buffers, to: "\(partial)/weights.safetensors")
      let weights = try Data(contentsOf: URL(filePath: "\(partial)/weights.safetensors"))
      manifest.weights = File(path: "weights.safetensors", sha256: SHA256.hex(weights))
      try encode(manifest).write(to: URL(filePath: "\(partial)/\(manifestName)"))
      try files.moveItem(atPath: partial, toPath: folder)
    } catch {
      try? files.removeItem(atPath: partial)
      if let error = error as? InterchangeError { throw error }
      throw InterchangeError(path: folder, problem: "cannot be written (\(error))")
    }
  }

  private static func writeWeights(
    _ graph: Graph, _ parameters: [Float], _ buffers: [Float]?, to path: String
  ) throws {
    var tensors: [(name: String, tensor: TensorData)] = []
    var offset = 0
    for parameter in graph.parameters {
      let values = Array(parameters[offset..<offset + parameter.count])
      tensors.append((parameter.name, TensorData(shape: parameter.shape, floats: values)))
      offset += parameter.count
    }
    var next = 0
    for node in graph.nodes {
      guard let buffers, case .normalisation(let norm) = node.op else { continue }
      for name in norm.runningStatistics {
        let count = node.shape.channels
        let values = Array(buffers[next..<next + count])
        tensors.append(("\(node.path)/\(name)", TensorData(shape: [count], floats: values)))
        next += count
      }
    }
    try SafetensorsWriter.write(tensors, to: path)
  }

  private static func encode(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(value)
  }

  private static func put(_ data: Data, _ folder: String, _ path: String) throws -> File {
    try data.write(to: URL(filePath: "\(folder)/\(path)"))
    return File(path: path, sha256: SHA256.hex(data))
  }

  // MARK: Reading

  /// Reads the manifest and checks every file's hash, and that the kernels are those of this program.
  public static func read(_ folder: String) throws -> Bundle {
    let path = "\(folder)/\(manifestName)"
    guard let data = try? Data(contentsOf: URL(filePath: path)),
      let manifest = try? JSONDecoder().decode(Manifest.self, from: data)
    else { throw InterchangeError(path: path, problem: "is not the manifest of a bundle") }
    let bundle = Bundle(folder: folder, manifest: manifest)
    for file in manifest.plans.map(\.file) + manifest.kernels + [manifest.weights] {
      _ = try bundle.contents(file)
    }
    for file in manifest.kernels {
      let name = String(file.path.dropFirst("kernels/".count).dropLast(".cl".count))
      let own = try KernelCatalog.interface(name).map { _ in
        SHA256.hex(try KernelText.source(of: Kernel(name: name, defines: [])).utf8)
      }
      guard own == file.sha256 else {
        throw InterchangeError(
          path: "\(folder)/\(file.path)", problem: "is not the kernel of this version of voxcl; compile the bundle again")
      }
    }
    return bundle
  }

  private func contents(_ file: File) throws -> Data {
    let path = "\(folder)/\(file.path)"
    guard !file.path.split(separator: "/").contains("..") else {
      throw InterchangeError(path: "\(folder)/\(Bundle.manifestName)", problem: "names \(file.path), outside the bundle")
    }
    guard let data = try? Data(contentsOf: URL(filePath: path)) else {
      throw InterchangeError(path: path, problem: "is missing or cannot be read")
    }
    guard SHA256.hex(data) == file.sha256 else {
      throw InterchangeError(path: path, problem: "does not have the hash that the manifest states: the bundle is damaged")
    }
    return data
  }

  /// The plan for an input shape with the bundle's weights, or others.
  public func network(input: Shape, weights: String? = nil) throws -> InferenceNetwork {
    guard let entry = manifest.plans.first(where: { $0.input == input.axes }) else {
      let known = manifest.plans.map { $0.input.map(String.init).joined(separator: "×") }
      throw InterchangeError(
        path: folder, problem: "has no plan for input \(input); it holds \(known.joined(separator: ", "))")
    }
    guard let plan = try? JSONDecoder().decode(ExecutionPlan.self, from: contents(entry.file)) else {
      throw InterchangeError(path: "\(folder)/\(entry.file.path)", problem: "is not a plan")
    }
    let file = try SafetensorsFile.read(weights ?? "\(folder)/\(manifest.weights.path)")
    func values(_ records: [ParameterRecord]) throws -> [Float] {
      try records.flatMap { record in
        let found = file.info(record.name)?.shape ?? []
        guard found == record.shape else {
          throw InterchangeError(
            path: "\(folder)/\(manifest.weights.path)",
            problem: "\(record.name) has shape \(found), the plan's is \(record.shape)")
        }
        return try file.floats(record.name)
      }
    }
    return InferenceNetwork(
      plan: plan, parameters: try values(plan.parameters),
      buffers: plan.buffers.isEmpty ? nil : try values(plan.buffers))
  }
}
