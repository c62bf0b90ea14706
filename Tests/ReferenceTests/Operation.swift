import LayerGraph
import Testing

/// The operation of a case of `ops`, from its attributes, with what follows it.
struct Operation: Sendable {
  let apply: @Sendable ([Tensor]) -> Tensor
  /// A last sigmoid or softmax is the loss's own.
  let endsInLossActivation: Bool

  init(_ values: ReferenceValues) throws {
    let op = try values.op
    let then = try Self.follower(values)
    let own =
      switch op {
      case "conv3d", "convTranspose3d": try Self.convolution(values, isTransposed: op != "conv3d")
      case "maxPool3d", "averagePool3d", "globalAveragePool": try Self.pool(values)
      case "upsample", "resize", "crop", "pad": try Self.geometry(values)
      case "instanceNorm", "batchNorm", "batchRenorm", "groupNorm", "layerNorm": try Self.norm(values)
      case "add", "multiply", "concat", "concatWithCrop": try Self.join(values)
      default: try Self.activation(values)
      }
    apply = { then(own($0)) }
    endsInLossActivation = (op == "sigmoid" || op == "softmax") && values.attributes["then"] == nil
  }

  private typealias Apply = @Sendable ([Tensor]) -> Tensor

  private static func convolution(_ values: ReferenceValues, isTransposed: Bool) throws -> Apply {
    let (channels, kernel) = (try values.integer("outputChannels"), try values.extent("kernel"))
    let (stride, dilation) = (try values.extent("stride"), try values.extent("dilation"))
    let (groups, bias) = (try values.integer("groups"), try values.flag("bias"))
    if isTransposed {
      let (padding, more) = (try values.extent("padding"), try values.extent("outputPadding"))
      return {
        $0[0].upConv(
          channels, kernel: kernel, stride: stride, padding: padding, outputPadding: more, dilation: dilation,
          groups: groups, bias: bias)
      }
    }
    let (low, high) = (try values.extent("low"), try values.extent("high"))
    let padding: Padding =
      switch try values.text("paddingMode") {
      case "same": .same
      case "valid": .valid
      case "explicit": .explicit(low)
      case "asymmetric": .asymmetric(low: low, high: high)
      case let other: throw UnknownOperation(name: "padding \(other)")
      }
    return {
      $0[0].conv(
        channels, kernel: kernel, stride: stride, padding: padding, dilation: dilation, groups: groups, bias: bias)
    }
  }

  private static func pool(_ values: ReferenceValues) throws -> Apply {
    let op = try values.op
    if op == "globalAveragePool" { return { $0[0].globalAveragePool() } }
    let (window, stride) = (try values.extent("window"), try values.extent("stride"))
    let padding = try values.extent("padding")
    if op == "maxPool3d" { return { $0[0].maxPool(window, stride: stride, padding: padding) } }
    let counts = try values.flag("countsPadding")
    return { $0[0].averagePool(window, stride: stride, padding: padding, countsPadding: counts) }
  }

  private static func geometry(_ values: ReferenceValues) throws -> Apply {
    switch try values.op {
    case "crop":
      let size = try values.extent("size")
      return { $0[0].crop(to: size) }
    case "pad":
      let (low, high) = (try values.extent("low"), try values.extent("high"))
      let mode: PadMode =
        switch try values.text("mode") {
        case "constant": .constant(try values.number("value"))
        case "reflect": .reflect
        case "edge": .edge
        case let other: throw UnknownOperation(name: "padding \(other)")
        }
      return { $0[0].pad(low: low, high: high, mode) }
    case let op:
      let mode = try #require(Interpolation(rawValue: values.text("mode")))
      if op == "upsample" {
        let factor = try values.extent("factor")
        return { $0[0].upsample(mode, factor) }
      }
      let (size, aligned) = (try values.extent("size"), try values.flag("alignCorners"))
      return { $0[0].resize(mode, to: size, alignCorners: aligned) }
    }
  }

  private static func norm(_ values: ReferenceValues) throws -> Apply {
    let kinds: [String: Normalisation.Kind] = [
      "instanceNorm": .instance, "batchNorm": .batch, "batchRenorm": .batchRenorm, "groupNorm": .group,
      "layerNorm": .group,
    ]
    var norm = Normalisation(try #require(kinds[values.op]))
    norm.epsilon = try values.number("epsilon")
    norm.hasAffine = try values.flag("affine")
    if norm.isOverBatch { norm.momentum = try values.number("momentum") }
    if norm.kind == .group { norm.groups = try values.integer("groups") }
    let fixed = norm
    return { $0[0].norm(fixed) }
  }

  private static func join(_ values: ReferenceValues) throws -> Apply {
    switch try values.op {
    case "add": return { $0[0].add($0[1]) }
    case "multiply": return { $0[0].multiply($0[1]) }
    case "concat": return { $0[0].concat(Array($0.dropFirst())) }
    default:
      let size = try values.extent("size")
      return { $0[0].crop(to: size).concat($0[1]) }
    }
  }

  private static func activation(_ values: ReferenceValues) throws -> Apply {
    switch try values.op {
    case "relu": return { $0[0].relu() }
    case "leakyRelu":
      let slope = try values.number("slope")
      return { $0[0].leakyReLU(slope) }
    case "elu":
      let alpha = try values.number("alpha")
      return { $0[0].elu(alpha) }
    case "silu": return { $0[0].silu() }
    case "gelu": return { $0[0].gelu() }
    case "sigmoid": return { $0[0].sigmoid() }
    case "tanh": return { $0[0].tanh() }
    case "prelu":
      let perChannel = try values.flag("perChannel")
      return { $0[0].prelu(perChannel: perChannel) }
    case "softmax": return { $0[0].softmax() }
    case let other: throw UnknownOperation(name: other)
    }
  }

  /// FOLLOWERS of tools/reference/op_cases.py.
  private static func follower(_ values: ReferenceValues) throws -> @Sendable (Tensor) -> Tensor {
    guard values.attributes["then"] != nil else { return { $0 } }
    switch try values.text("then") {
    case "tanh": return { $0.tanh() }
    case "leakyRelu": return { $0.leakyReLU(0.2) }
    case "upsample": return { $0.upsample(.nearest, Extent(1, 2, 1)) }
    case "instanceNorm": return { $0.norm(Normalisation(.instance, hasAffine: false, epsilon: 1e-3)) }
    case let other: throw UnknownOperation(name: "then \(other)")
    }
  }
}

struct UnknownOperation: Error, CustomStringConvertible {
  var name: String
  var description: String { "no test knows the operation \(name)" }
}
