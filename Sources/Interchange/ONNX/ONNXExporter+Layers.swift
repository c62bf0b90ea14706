import LayerGraph

extension ONNXExporter {
  mutating func export(_ node: Node) throws(InterchangeError) {
    let x = values[node.inputs[0]]
    let source = graph.nodes[node.inputs[0]].shape
    switch node.op {
    case .input: break
    case .convolution(let shape): convolution(node, x, shape, source.extent)
    case .transposedConvolution(let shape): transposedConvolution(node, x, shape, source.extent)
    case .normalisation(let norm): normalisation(node, x, norm)
    case .activation(let kind): activation(node, x, kind)
    case .prelu:
      let count = graph.parameters[node.parameters[0]].count
      add("PRelu", node, [x, parameter(node.parameters[0], shape: count == 1 ? [1] : [count, 1, 1, 1])])
    case .dropout: values[node.id] = x
    case .maxPool(let pool):
      if isGlobal(pool, source.extent) {
        add("GlobalMaxPool", node, [x])
      } else {
        add("MaxPool", node, [x], attributes(pool))
      }
    case .averagePool(let pool, let countsPadding):
      if isGlobal(pool, source.extent) {
        add("GlobalAveragePool", node, [x])
      } else {
        let padding = ["count_include_pad": ONNXAttribute.integer(countsPadding ? 1 : 0)]
        add("AveragePool", node, [x], attributes(pool).merging(padding) { $1 })
      }
    case .upsample(let mode, _): try resize(node, x, mode, alignsCorners: false, source.extent)
    case .resize(let mode, let alignsCorners): try resize(node, x, mode, alignsCorners: alignsCorners, source.extent)
    case .pad(let mode, let low): pad(node, x, mode, low, source.extent)
    case .concat: add("Concat", node, node.inputs.map { values[$0] }, ["axis": .integer(1)])
    case .add: add("Add", node, node.inputs.map { values[$0] })
    case .multiply: add("Mul", node, node.inputs.map { values[$0] })
    case .crop: crop(node, x, source.extent)
    case .softmax: add("Softmax", node, [x], ["axis": .integer(1)])
    }
  }

  /// Global pools alone have one window of stride 1 over all voxels.
  private func isGlobal(_ pool: PoolShape, _ source: Extent) -> Bool {
    pool.window == source && pool.stride == 1 && pool.padding == 0
  }

  private mutating func convolution(_ node: Node, _ x: String, _ shape: ConvolutionShape, _ source: Extent) {
    // As much padding behind as before where that gives the same output, as it then does at other extents; else what
    // the last window reaches behind the input.
    let reach = node.shape.extent.map(shape.stride) { ($0 - 1) * $1 }.map(shape.span) { $0 + $1 }
    let least = reach.map(source) { $0 - $1 }.map(shape.padding) { max(0, $0 - $1) }
    // One voxel more than `stride - 1` beyond the least would be another window.
    let most = reach.map(source) { $0 - $1 }.map(shape.padding) { $0 - $1 }.map(shape.stride) { $0 + $1 - 1 }
    let high = Extent(
      zip(shape.padding.axes, zip(least.axes, most.axes)).map { low, limits in
        (limits.0...max(limits.0, limits.1)).contains(low) ? low : limits.0
      })
    let inputs = [x] + node.parameters.map { parameter($0) }
    add("Conv", node, inputs, attributes(shape, shape.padding, high))
  }

  private mutating func transposedConvolution(
    _ node: Node, _ x: String, _ shape: ConvolutionShape, _ source: Extent
  ) {
    let bare = source.map(shape.stride) { ($0 - 1) * $1 }.map(shape.span) { $0 + $1 }
      .map(shape.padding) { $0 - 2 * $1 }
    let more = node.shape.extent.map(bare) { $0 - $1 }
    // More output behind is less padding there, as far as there is any.
    let high = shape.padding.map(more) { max(0, $0 - $1) }
    let rest = more.map(shape.padding) { max(0, $0 - $1) }
    let inputs = [x] + node.parameters.map { parameter($0) }
    var attributes = attributes(shape, shape.padding, high)
    attributes["output_padding"] = .integers(rest.axes)
    add("ConvTranspose", node, inputs, attributes)
  }

  private func attributes(_ shape: ConvolutionShape, _ low: Extent, _ high: Extent) -> [String: ONNXAttribute] {
    [
      "kernel_shape": .integers(shape.kernel.axes), "strides": .integers(shape.stride.axes),
      "dilations": .integers(shape.dilation.axes), "pads": .integers(low.axes + high.axes),
      "group": .integer(shape.groups),
    ]
  }

  private func attributes(_ pool: PoolShape) -> [String: ONNXAttribute] {
    [
      "kernel_shape": .integers(pool.window.axes), "strides": .integers(pool.stride.axes),
      "pads": .integers(pool.padding.axes + pool.padding.axes),
    ]
  }

  private mutating func normalisation(_ node: Node, _ x: String, _ norm: Normalisation) {
    let channels = node.shape.channels
    let epsilon = ONNXAttribute.number(Float(norm.epsilon))
    func affine(_ exporter: inout Self, _ index: Int, _ shape: [Int]) -> String {
      guard norm.hasAffine else {
        let name = "\(exporter.values[node.id])/\(index == 0 ? "weight" : "bias")"
        return exporter.constant(name, shape, Array(repeating: index == 0 ? 1 : 0, count: channels))
      }
      return exporter.parameter(node.parameters[index], shape: shape)
    }
    switch norm.kind {
    case .instance:
      let inputs = [x, affine(&self, 0, [channels]), affine(&self, 1, [channels])]
      add("InstanceNormalization", node, inputs, ["epsilon": epsilon])
    case .batch, .batchRenorm:
      let first = bufferOffsets[node.id] ?? 0
      let mean = Array(buffers[first..<first + channels])
      var variance = Array(buffers[first + channels..<first + 2 * channels])
      var attributes = ["epsilon": epsilon]
      if norm.kind == .batchRenorm {
        // It keeps √(σ² + ε): ε is in it.
        variance = variance.map { $0 * $0 }
        attributes["epsilon"] = .number(0)
      }
      let names = norm.runningStatistics.map { "\(values[node.id])/\($0)" }
      let inputs = [
        x, affine(&self, 0, [channels]), affine(&self, 1, [channels]), constant(names[0], [channels], mean),
        constant(names[1], [channels], variance),
      ]
      add("BatchNormalization", node, inputs, attributes)
    case .group:
      // Opset 17 has none: instance norm over N×G×rest, back to the input's shape, then γ and β a channel.
      let (groups, path) = (norm.groups, values[node.id])
      let cut = constant("\(path)/groups", [0, groups, -1])
      add("Reshape", node, [x, cut], output: "\(path)/grouped")
      let one = constant("\(path)/one", [groups], Array(repeating: 1, count: groups))
      let zero = constant("\(path)/zero", [groups], Array(repeating: 0, count: groups))
      add(
        "InstanceNormalization", node, ["\(path)/grouped", one, zero], ["epsilon": epsilon],
        output: "\(path)/normalised")
      add("Shape", node, [x], output: "\(path)/shape")
      guard norm.hasAffine else {
        return add("Reshape", node, ["\(path)/normalised", "\(path)/shape"])
      }
      add("Reshape", node, ["\(path)/normalised", "\(path)/shape"], output: "\(path)/restored")
      let weight = affine(&self, 0, [channels, 1, 1, 1])
      add("Mul", node, ["\(path)/restored", weight], output: "\(path)/scaled")
      let bias = affine(&self, 1, [channels, 1, 1, 1])
      add("Add", node, ["\(path)/scaled", bias])
    }
  }

  private mutating func activation(_ node: Node, _ x: String, _ kind: ActivationKind) {
    let path = values[node.id]
    switch kind {
    case .relu: add("Relu", node, [x])
    case .leakyReLU(let slope): add("LeakyRelu", node, [x], ["alpha": .number(Float(slope))])
    case .sigmoid: add("Sigmoid", node, [x])
    case .elu(let alpha): add("Elu", node, [x], ["alpha": .number(Float(alpha))])
    case .tanh: add("Tanh", node, [x])
    case .silu:
      add("Sigmoid", node, [x], output: "\(path)/sigmoid")
      add("Mul", node, [x, "\(path)/sigmoid"])
    case .gelu:
      // ½·x·(1 + erf(x/√2))
      let (root, one) = (constant("\(path)/root", [], [Float(2).squareRoot()]), constant("\(path)/one", [], [1]))
      let half = constant("\(path)/half", [], [0.5])
      add("Div", node, [x, root], output: "\(path)/quotient")
      add("Erf", node, ["\(path)/quotient"], output: "\(path)/erf")
      add("Add", node, ["\(path)/erf", one], output: "\(path)/sum")
      add("Mul", node, [x, "\(path)/sum"], output: "\(path)/product")
      add("Mul", node, ["\(path)/product", half])
    }
  }

  private mutating func resize(
    _ node: Node, _ x: String, _ mode: Interpolation, alignsCorners: Bool, _ source: Extent
  ) throws(InterchangeError) {
    var scales: [Float] = []
    for (out, extent) in zip(node.shape.extent.axes, source.axes) {
      // Rounded scales may miss the extent out, or another voxel than ⌊i·in/out⌋ may be the nearest.
      let quotient = Float(out) / Float(extent)
      let fitting = [quotient, quotient.nextUp, quotient.nextDown].first { scale in
        (scale * Float(extent)).rounded(.down) == Float(out)
          && (mode != .nearest || ONNXNearest(rule: .asymmetric, .floor).agrees(from: extent, to: out, scale: scale))
      }
      guard let fitting else {
        throw InterchangeError(
          path: graph.name, problem: "\(node.path): no ONNX scale takes \(extent) voxels to \(out) by the same rule")
      }
      scales.append(fitting)
    }
    let name = constant("\(values[node.id])/scales", [5], [1, 1] + scales)
    let coordinates = mode == .nearest ? "asymmetric" : alignsCorners ? "align_corners" : "half_pixel"
    var attributes: [String: ONNXAttribute] = [
      "mode": .text(mode == .nearest ? "nearest" : "linear"), "coordinate_transformation_mode": .text(coordinates),
    ]
    if mode == .nearest { attributes["nearest_mode"] = .text("floor") }
    add("Resize", node, [x, "", name], attributes)
  }

  private mutating func pad(_ node: Node, _ x: String, _ mode: PadMode, _ low: Extent, _ source: Extent) {
    let high = node.shape.extent.map(source) { $0 - $1 }.map(low) { $0 - $1 }
    let name = constant("\(values[node.id])/pads", [0, 0] + low.axes + [0, 0] + high.axes)
    switch mode {
    case .reflect: add("Pad", node, [x, name], ["mode": .text("reflect")])
    case .edge: add("Pad", node, [x, name], ["mode": .text("edge")])
    case .constant(let value):
      add("Pad", node, [x, name, constant("\(values[node.id])/value", [], [Float(value)])], ["mode": .text("constant")])
    }
  }

  /// Counted from both ends, so that it holds at any extent.
  private mutating func crop(_ node: Node, _ x: String, _ source: Extent) {
    let cut = source.map(node.shape.extent) { $0 - $1 }
    let low = cut.axes.map { $0 / 2 }
    let ends = zip(cut.axes, low).map { $0 == $1 ? Int.max : $1 - $0 }
    let path = values[node.id]
    let inputs = [
      x, constant("\(path)/starts", low), constant("\(path)/ends", ends), constant("\(path)/axes", [2, 3, 4]),
    ]
    add("Slice", node, inputs)
  }
}
