import LayerGraph

extension ONNXImporter {
  /// What the present node's first output stands for.
  func layer() throws(InterchangeError) -> Value {
    if let constant = try folded() { return .constant(constant) }
    switch node.op {
    case "Conv": return .tensor(try convolution())
    case "ConvTranspose": return .tensor(try transposedConvolution())
    case "InstanceNormalization": return try instanceNorm()
    case "BatchNormalization": return .tensor(try batchNorm())
    case "GroupNormalization": return .tensor(try groupNormalization())
    case "Relu", "LeakyRelu", "Sigmoid", "Elu", "Tanh", "Gelu": return .tensor(try activation())
    case "PRelu": return .tensor(try prelu())
    case "Softmax": return .tensor(try softmax())
    case "Dropout": return .tensor(try dropout())
    case "Identity": return try value(0)
    case "Cast": return .tensor(try cast())
    case "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "ReduceMean": return .tensor(try pool())
    case "Resize", "Upsample": return .tensor(try resize())
    case "Pad": return .tensor(try pad())
    case "Slice": return .tensor(try crop())
    case "Concat": return .tensor(try concat())
    case "Add", "Sum", "Mul", "Sub", "Div": return try arithmetic()
    case "Reshape": return try reshape()
    default: throw failure("VoxCL has no such layer")
    }
  }

  /// A weight of that many axes with its values.
  private func weight(_ index: Int, axes: Int) throws(InterchangeError) -> (tensor: ONNXTensor, values: [Float]) {
    let values = try floats(index, "weight")
    let tensor = try constant(index, "weight")
    guard tensor.data.shape.count == axes, tensor.data.shape.allSatisfy({ (1...1 << 20).contains($0) }) else {
      throw failure("its weight \(quoted(tensor.name)) has shape \(tensor.data.shape), expected \(axes) axes")
    }
    return (tensor, values)
  }

  /// One value a channel.
  private func perChannel(
    _ index: Int, _ what: String, count: Int
  ) throws(InterchangeError) -> (tensor: ONNXTensor, values: [Float]) {
    let values = try floats(index, what)
    let tensor = try constant(index, what)
    guard values.count == count else {
      throw failure("its \(what) \(quoted(tensor.name)) has \(values.count) values, expected \(count)")
    }
    return (tensor, values)
  }

  /// Voxels of padding before and behind the input.
  private func pads(
    span: Extent, stride: Extent, of source: Extent
  ) throws(InterchangeError) -> (low: Extent, high: Extent) {
    let mode = try text("auto_pad", default: "NOTSET")
    switch mode {
    case "NOTSET":
      guard let pads = try integers("pads") else { return (0, 0) }
      guard pads.count == 6 else { throw failure("its pads are \(pads), expected six numbers") }
      return (
        try extent(Array(pads[..<3]), "pads", in: 0...65_536), try extent(Array(pads[3...]), "pads", in: 0...65_536)
      )
    case "VALID": return (0, 0)
    case "SAME_UPPER", "SAME_LOWER":
      let out = source.map(stride) { ($0 + $1 - 1) / $1 }
      let reach = out.map(stride) { ($0 - 1) * $1 }.map(span) { $0 + $1 }
      let total = reach.map(source) { max(0, $0 - $1) }
      let (less, more) = (total.map(total) { a, _ in a / 2 }, total.map(total) { a, _ in a - a / 2 })
      return mode == "SAME_UPPER" ? (less, more) : (more, less)
    default: throw failure("its auto_pad is \(quoted(mode)), expected NOTSET, VALID, SAME_UPPER or SAME_LOWER")
    }
  }

  private func convolution() throws(InterchangeError) -> Tensor {
    let x = try tensor(0)
    let (weight, values) = try weight(1, axes: 5)
    let shape = weight.data.shape
    let groups = try integer("group", default: 1)
    let kernel = Extent(Array(shape[2...]))
    let stride = try extent("strides", default: 1)
    let dilation = try extent("dilations", default: 1)
    let span = kernel.map(dilation) { ($0 - 1) * $1 + 1 }
    let (low, high) = try pads(span: span, stride: stride, of: x.extent)
    guard groups > 0, groups <= x.channels, shape[1] * groups == x.channels else {
      throw failure(
        "its weight \(quoted(weight.name)) reads \(groups) groups of \(shape[1]) channels, found \(x.channels)")
    }
    let name = layerName()
    load(weight, values, for: name)
    if has(2) {
      let bias = try perChannel(2, "bias", count: shape[0])
      load(bias.tensor, bias.values, for: name)
    }
    return x.conv(
      shape[0], kernel: kernel, stride: stride, padding: .asymmetric(low: low, high: high), dilation: dilation,
      groups: groups, bias: has(2), name: name, file: path, line: UInt(index))
  }

  private func transposedConvolution() throws(InterchangeError) -> Tensor {
    let x = try tensor(0)
    let (weight, values) = try weight(1, axes: 5)
    let shape = weight.data.shape
    let groups = try integer("group", default: 1)
    let stride = try extent("strides", default: 1)
    let dilation = try extent("dilations", default: 1)
    let mode = try text("auto_pad", default: "NOTSET")
    guard node.attributes["output_shape"] == nil, ["NOTSET", "VALID"].contains(mode) else {
      throw failure("its padding follows from the output's size, expected pads")
    }
    let (low, high) = try pads(span: 1, stride: 1, of: x.extent)
    let more = try integers("output_padding").map { (values) throws(InterchangeError) in
      try extent(values, "output_padding", in: 0...65_536)
    }
    // Less padding behind is more output there.
    let behind = low.map(high) { $0 - $1 }.map(more ?? 0) { $0 + $1 }
    guard behind.allSatisfy({ $0 >= 0 }) else {
      throw failure("its pads are larger behind (\(high)) than before (\(low)), which VoxCL has no layer for")
    }
    guard groups > 0, groups <= x.channels, shape[0] == x.channels else {
      throw failure("its weight \(quoted(weight.name)) reads \(shape[0]) channels, found \(x.channels)")
    }
    let name = layerName()
    load(weight, values, for: name)
    if has(2) {
      let bias = try perChannel(2, "bias", count: shape[1] * groups)
      load(bias.tensor, bias.values, for: name)
    }
    return x.upConv(
      shape[1] * groups, kernel: Extent(Array(shape[2...])), stride: stride, padding: low, outputPadding: behind,
      dilation: dilation, groups: groups, bias: has(2), name: name, file: path, line: UInt(index))
  }

  // MARK: Norms

  /// Batch renorm's export has ε 0, which a norm here may not have: the least that changes no float's value.
  private func epsilon() throws(InterchangeError) -> Double { max(try number("epsilon", default: 1e-5), 1e-20) }

  private func instanceNorm() throws(InterchangeError) -> Value {
    if case .grouped(let x, let groups) = try value(0) {
      let (scale, shift) = (try floats(1, "scale"), try floats(2, "shift"))
      guard scale.allSatisfy({ $0 == 1 }), shift.allSatisfy({ $0 == 0 }) else {
        throw failure("it scales groups of channels, expected scales of 1 and shifts of 0")
      }
      return .normalised(GroupNorm(input: x, groups: groups, epsilon: try epsilon(), node: layerName()))
    }
    let x = try tensor(0)
    return .tensor(try norm(x, Normalisation(.instance, epsilon: epsilon())))
  }

  private func norm(_ x: Tensor, _ norm: Normalisation) throws(InterchangeError) -> Tensor {
    let scale = try perChannel(1, "scale", count: x.channels)
    let shift = try perChannel(2, "shift", count: x.channels)
    let name = layerName()
    load(scale.tensor, scale.values, for: name)
    load(shift.tensor, shift.values, for: name)
    return x.norm(norm, name: name, file: path, line: UInt(index))
  }

  private func batchNorm() throws(InterchangeError) -> Tensor {
    let x = try tensor(0)
    let momentum = try number("momentum", default: 0.9)
    guard (0...1).contains(momentum) else { throw failure("its momentum is \(momentum), expected 0 to 1") }
    let mean = try perChannel(3, "mean", count: x.channels).values
    let variance = try perChannel(4, "variance", count: x.channels).values
    if try integer("training_mode", default: 0) != 0 {
      remarks.append("batch norm \(quoted(node.name)) is in training mode; prediction takes its running statistics")
    }
    // ONNX counts the old mean's share, PyTorch the new one's.
    let result = try norm(x, Normalisation(.batch, epsilon: epsilon(), momentum: 1 - momentum))
    buffers += mean + variance
    return result
  }

  /// Of opset 18 (γ and β a group) or 21 (a channel).
  private func groupNormalization() throws(InterchangeError) -> Tensor {
    let x = try tensor(0)
    let groups = try integer("num_groups", default: 0)
    guard groups > 0, x.channels % groups == 0 else {
      throw failure("cuts \(x.channels) channels into \(groups) groups")
    }
    let name = layerName()
    for (index, what) in [(1, "scale"), (2, "shift")] {
      let tensor = try constant(index, what)
      var values = try floats(index, what)
      if values.count == groups && groups < x.channels {
        values = values.flatMap { Array(repeating: $0, count: x.channels / groups) }
      }
      guard values.count == x.channels else {
        throw failure("its \(what) has \(values.count) values, expected \(x.channels)")
      }
      load(tensor, values, for: name)
    }
    let norm = Normalisation(.group, groups: groups, epsilon: try epsilon())
    return x.norm(norm, name: name, file: path, line: UInt(index))
  }

  /// Where all that belongs to it is known.
  func groupNorm(_ norm: GroupNorm, bias: ONNXTensor?) -> Tensor {
    let own = Normalisation(
      .group, groups: norm.groups, hasAffine: norm.weight != nil || bias != nil, epsilon: norm.epsilon)
    let channels = norm.input.channels
    if own.hasAffine {
      for (tensor, standard) in [(norm.weight, Float(1)), (bias, 0)] {
        let values = tensor?.data.floats ?? Array(repeating: standard, count: channels)
        let unnamed = ONNXTensor("\(norm.node)/\(standard)", TensorData(shape: [], floats: []))
        load(tensor ?? unnamed, values, for: norm.node)
      }
    }
    return norm.input.norm(own, name: norm.node, file: path, line: UInt(index))
  }

  /// `[0, groups, -1]`, and back to the shape before it.
  private func reshape() throws(InterchangeError) -> Value {
    let target = try integers(1, "shape")
    switch try value(0) {
    case .normalised(var norm):
      let wanted = norm.input.shape.axes
      // A 0 would be an axis of the shape inside the norm, of which the first alone is the tensor's.
      let known = target.count == 5 && (1..<5).allSatisfy { target[$0] == wanted[$0] || target[$0] == -1 }
      guard known, [0, wanted[0], -1].contains(target[0]), target.count(where: { $0 == -1 }) <= 1 else {
        throw failure("to \(target), expected the shape \(norm.input.shape) before the group norm")
      }
      norm.isRestored = true
      return .normalised(norm)
    case .tensor(let x):
      if target.count == 5, zip(target, x.shape.axes).allSatisfy({ $0 == $1 || $0 == 0 }) { return .tensor(x) }
      guard target.count == 3, [0, x.shape.batch].contains(target[0]), target[1] > 0, x.channels % target[1] == 0,
        target[2] == -1 || target[2] == x.channels / target[1] * x.extent.count
      else { throw failure("to \(target), which is no step of a group norm; VoxCL has no such layer") }
      return .grouped(x, groups: target[1])
    default: throw failure("VoxCL has no such layer")
    }
  }

  // MARK: Pointwise

  private func activation() throws(InterchangeError) -> Tensor {
    let x = try tensor(0)
    let kind: ActivationKind
    switch node.op {
    case "Relu": kind = .relu
    case "LeakyRelu": kind = .leakyReLU(slope: try number("alpha", default: 0.01))
    case "Sigmoid": kind = .sigmoid
    case "Elu": kind = .elu(alpha: try number("alpha", default: 1))
    case "Tanh": kind = .tanh
    default:
      guard try text("approximate", default: "none") == "none" else {
        throw failure("approximates by tanh, expected approximate \"none\"")
      }
      kind = .gelu
    }
    return x.activation(kind, name: layerName(), file: path, line: UInt(index))
  }

  private func prelu() throws(InterchangeError) -> Tensor {
    let x = try tensor(0)
    let slope = try constant(1, "slope")
    let values = try floats(1, "slope")
    let isPerChannel = isPerChannel(slope, of: x)
    guard values.count == 1 || isPerChannel else {
      throw failure("its slope has shape \(slope.data.shape), expected one value, or \(x.channels), one a channel")
    }
    let name = layerName()
    load(slope, values, for: name)
    return x.prelu(perChannel: values.count > 1, name: name, file: path, line: UInt(index))
  }

  private func softmax() throws(InterchangeError) -> Tensor {
    let x = try tensor(0)
    let axis = try integer("axis", default: model.opset < 13 ? 1 : -1)
    guard model.opset >= 13 || x.extent == 1 else {
      throw failure("runs over channels and voxels together (opset \(model.opset)), expected opset 13 or newer")
    }
    guard axis == 1 || axis == -4 else { throw failure("runs along axis \(axis), expected the channels' (1)") }
    return x.softmax(name: layerName(), file: path, line: UInt(index))
  }

  private func dropout() throws(InterchangeError) -> Tensor {
    let x = try tensor(0)
    let ratio = has(1) ? Double(try floats(1, "ratio").first ?? 0.5) : try number("ratio", default: 0.5)
    guard ratio > 0 else { return x }
    return x.dropout(ratio, name: layerName(), file: path, line: UInt(index))
  }

  /// Between kinds of floating point: all arithmetic is float32 here.
  private func cast() throws(InterchangeError) -> Tensor {
    let x = try tensor(0)
    let code = try integer("to", default: 0)
    guard [1, 10, 11, 16].contains(code) else { throw failure("to element type \(code), expected floating point") }
    return x
  }

  /// `[C, 1, 1, 1]`, with or without a 1 before it.
  func isPerChannel(_ tensor: ONNXTensor, of x: Tensor) -> Bool {
    let shape = tensor.data.shape
    return (shape.count == 4 && shape == [x.channels, 1, 1, 1])
      || (shape.count == 5 && shape == [1, x.channels, 1, 1, 1])
  }

  // MARK: Pools

  private func pool() throws(InterchangeError) -> Tensor {
    let x = try tensor(0)
    let line = UInt(index)
    switch node.op {
    case "GlobalAveragePool": return x.globalAveragePool(name: layerName(), file: path, line: line)
    case "GlobalMaxPool": return x.maxPool(x.extent, stride: 1, name: layerName(), file: path, line: line)
    case "ReduceMean":
      let axes = has(1) ? try integers(1, "axes") : try integers("axes") ?? []
      guard Set(axes.map { $0 < 0 ? $0 + 5 : $0 }) == [2, 3, 4], try integer("keepdims", default: 1) == 1 else {
        throw failure("along axes \(axes), expected all of D, H, W, and keepdims")
      }
      return x.globalAveragePool(name: layerName(), file: path, line: line)
    default: break
    }
    guard let given = try integers("kernel_shape") else { throw failure("has no kernel_shape") }
    let window = try extent(given, "kernel_shape", in: 1...65_536)
    let stride = try extent("strides", default: 1)
    guard try extent("dilations", default: 1) == 1 else { throw failure("is dilated, which VoxCL has no layer for") }
    let (low, high) = try pads(span: window, stride: stride, of: x.extent)
    let padded = x.extent.map(low) { $0 + $1 }.map(high) { $0 + $1 }
    let rest = padded.map(window) { $0 - $1 }.map(stride) { $0 % $1 }
    guard low == high else { throw failure("pads \(low) before and \(high) behind, expected the same") }
    guard try integer("ceil_mode", default: 0) == 0 || rest == 0 else {
      throw failure("rounds its output's extent up, expected extents that its windows cover")
    }
    if node.op == "MaxPool" {
      return x.maxPool(window, stride: stride, padding: low, name: layerName(), file: path, line: line)
    }
    let countsPadding = try integer("count_include_pad", default: 0) == 1
    return x.averagePool(
      window, stride: stride, padding: low, countsPadding: countsPadding, name: layerName(), file: path, line: line)
  }
}
