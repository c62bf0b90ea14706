import LayerGraph
import Testing

/// The operation of a case of `ops`, from its attributes.
struct Operation: Sendable {
  let apply: @Sendable ([Tensor]) -> Tensor
  /// A last sigmoid is the loss's own.
  var endsInLossActivation = false
  /// A concat is no tensor: it stands for segments of a convolution's input.
  var needsConvolutionBehind = false

  init(_ values: ReferenceValues) throws {
    let op = try values.op
    switch op {
    case "conv3d":
      let (channels, kernel) = (try values.integer("outputChannels"), try values.extent("kernel"))
      let (stride, padding) = (try values.extent("stride"), try values.extent("padding"))
      let bias = try values.flag("bias")
      apply = { $0[0].conv(channels, kernel: kernel, stride: stride, padding: .explicit(padding), bias: bias) }
    case "convTranspose3d":
      let (channels, kernel) = (try values.integer("outputChannels"), try values.extent("kernel"))
      let (stride, padding) = (try values.extent("stride"), try values.extent("padding"))
      let bias = try values.flag("bias")
      apply = { $0[0].upConv(channels, kernel: kernel, stride: stride, padding: padding, bias: bias) }
    case "maxPool3d":
      let window = try values.extent("window")
      apply = { $0[0].maxPool(window) }
    case "upsample":
      let factor = try values.extent("factor")
      let mode = try #require(Interpolation(rawValue: values.text("mode")))
      apply = { $0[0].upsample(mode, factor) }
    case "instanceNorm", "batchNorm":
      var norm = Normalisation(op == "batchNorm" ? .batch : .instance)
      norm.epsilon = try values.number("epsilon")
      if norm.kind == .batch { norm.momentum = try values.number("momentum") }
      let fixed = norm
      apply = { $0[0].norm(fixed) }
    case "relu": apply = { $0[0].relu() }
    case "leakyRelu":
      let slope = try values.number("slope")
      apply = { $0[0].leakyReLU(slope) }
    case "sigmoid":
      apply = { $0[0].sigmoid() }
      endsInLossActivation = true
    case "softmax": apply = { $0[0].softmax() }
    case "add": apply = { $0[0].add($0[1]) }
    case "concatWithCrop":
      let size = try values.extent("size")
      apply = { $0[0].crop(to: size).concat($0[1]) }
      needsConvolutionBehind = true
    case "concat":
      apply = { $0.count == 3 ? $0[0].concat($0[1], $0[2]) : $0[0].concat($0[1]) }
      needsConvolutionBehind = true
    case "crop":
      let size = try values.extent("size")
      apply = { $0[0].crop(to: size) }
    default: throw UnknownOperation(name: op)
    }
  }
}

struct UnknownOperation: Error, CustomStringConvertible {
  var name: String
  var description: String { "no test knows the operation \(name)" }
}
