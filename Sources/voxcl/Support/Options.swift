import ArgumentParser
import VoxCL

extension Precision: ExpressibleByArgument {}
extension ConvolutionAlgorithm: ExpressibleByArgument {}

/// `--device`.
struct DeviceOption: ParsableArguments {
  @Option(help: "Device: an id such as opencl:0 or cpu, or a part of its name. Default: the best one.")
  var device: String?

  func choose() throws -> any Device { try Devices().choose(device) }
}

/// `--base`, of built-in models.
struct WidthOption: ParsableArguments {
  @Option(help: "Channels of the first level of a built-in model, all others in proportion. Default: its author's.")
  var base: Int?

  func validate() throws {
    if let base, !(1...1024).contains(base) {
      throw ValidationError("--base \(base): expected 1 to 1024 channels")
    }
  }
}

/// N×C×D×H×W, written `2x1x96x96x96`.
struct InputShape: ExpressibleByArgument {
  var shape: Shape

  init?(argument: String) {
    let numbers = argument.lowercased().split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard numbers.count == 5, !numbers.contains(where: { ($0 ?? 0) < 1 }) else { return nil }
    let n = numbers.compactMap { $0 }
    shape = Shape(batch: n[0], channels: n[1], extent: Extent(n[2], n[3], n[4]))
  }
}

/// A built-in network by name or alias.
func builtInModel(_ name: String) throws -> BuiltInModel {
  guard let model = BuiltInModel.named(name) else {
    let known = BuiltInModel.all.map { ([$0.name] + $0.aliases).joined(separator: "/") }
    throw UserError(
      "\(name): no such model, bundle, recipe or ONNX file; built-in models are \(known.joined(separator: ", "))")
  }
  return model
}

extension SafetensorsFile {
  /// N×C×D×H×W of the tensor `input`.
  func inputShape() throws -> Shape {
    guard let found = info("input")?.shape else { throw UserError("\(path): holds no tensor input") }
    guard found.count == 5, found.allSatisfy({ $0 > 0 }) else {
      throw UserError("\(path): input has shape \(found), expected N×C×D×H×W")
    }
    return Shape(batch: found[0], channels: found[1], extent: Extent(Array(found[2...])))
  }
}
