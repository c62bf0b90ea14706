import LayerGraph

extension ONNXImporter {
  private var line: UInt { UInt(index) }

  // MARK: Resize

  func resize() throws(InterchangeError) -> Tensor {
    let x = try tensor(0)
    let isOld = node.op == "Upsample"
    let (out, scales) = try resizedExtent(of: x, isOld: isOld)
    if out == x.extent { return x }
    // Upsample, and Resize of opset 10, know no other coordinates.
    let standard = isOld || model.opset < 11 ? "asymmetric" : "half_pixel"
    let coordinates = try text("coordinate_transformation_mode", default: standard)
    let isEnlarging = out.map(x.extent) { $0 - $1 }.allSatisfy { $0 >= 0 }
    guard try integer("antialias", default: 0) == 0 || isEnlarging else {
      throw failure("smooths before it makes smaller (antialias), which VoxCL has no layer for")
    }
    let mode = try text("mode", default: "nearest")
    switch mode {
    case "nearest":
      try checkNearest(from: x.extent, to: out.axes, scales, coordinates, isOld: isOld || model.opset < 11)
      return resized(x, .nearest, to: out, alignsCorners: false)
    case "linear", "trilinear":
      switch coordinates {
      case "half_pixel", "half_pixel_symmetric": break
      case "pytorch_half_pixel":
        // It takes the first voxel where one is left, half-pixel the middle.
        guard out.map(x.extent, { $0 == 1 && $1 > 1 ? 1 : 0 }) == 0 else {
          throw failure("makes an axis of one voxel by pytorch_half_pixel, which VoxCL has no layer for")
        }
      case "align_corners": return resized(x, .trilinear, to: out, alignsCorners: true)
      default:
        throw failure(
          "interpolates at \(quoted(coordinates)) coordinates, "
            + "expected half_pixel, pytorch_half_pixel or align_corners")
      }
      return resized(x, .trilinear, to: out, alignsCorners: false)
    default: throw failure("its mode is \(quoted(mode)), expected nearest or linear")
    }
  }

  private func resized(_ x: Tensor, _ mode: Interpolation, to out: Extent, alignsCorners: Bool) -> Tensor {
    if !alignsCorners && out.map(x.extent, { $0 % $1 }) == 0 {
      return x.upsample(mode, out.map(x.extent) { $0 / $1 }, name: layerName(), file: path, line: line)
    }
    return x.resize(mode, to: out, alignCorners: alignsCorners, name: layerName(), file: path, line: line)
  }

  /// From `sizes`, or ⌊extent·scale⌋, with the scale of each axis; the batch and the channels stay.
  private func resizedExtent(of x: Tensor, isOld: Bool) throws(InterchangeError) -> (Extent, scales: [Float]) {
    guard try text("keep_aspect_ratio_policy", default: "stretch") == "stretch" else {
      throw failure("keeps the aspect ratio, expected the policy \"stretch\"")
    }
    let own = x.shape.axes
    let axes = (try integers("axes") ?? [0, 1, 2, 3, 4]).map { $0 < 0 ? $0 + 5 : $0 }
    guard axes.allSatisfy((0..<5).contains) else { throw failure("its axes are \(axes), expected 0 to 4") }
    var out = own
    var used = Array(repeating: Float(1), count: 5)
    if has(3) {
      let sizes = try integers(3, "size")
      guard sizes.count == axes.count else { throw failure("has \(sizes.count) sizes for \(axes.count) axes") }
      for (axis, size) in zip(axes, sizes) { (out[axis], used[axis]) = (size, Float(size) / Float(own[axis])) }
    } else {
      let place = isOld || model.opset < 11 ? 1 : 2
      let scales = has(place) ? try floats(place, "scales") : try attributeScales()
      guard scales.count == axes.count else { throw failure("has \(scales.count) scales for \(axes.count) axes") }
      for (axis, scale) in zip(axes, scales) {
        let size = Double(own[axis]) * Double(scale)
        guard scale > 0, size < 65_537 else { throw failure("scales \(own[axis]) voxels by \(scale)") }
        out[axis] = Int((Float(own[axis]) * scale).rounded(.down))
        used[axis] = scale
        // Positions follow from the scale there, from both extents here.
        guard abs(size - Double(out[axis])) < 1e-3 else {
          throw failure("scales \(own[axis]) voxels by \(scale), expected a whole number of voxels")
        }
      }
    }
    guard out[0] == own[0], out[1] == own[1] else { throw failure("changes the batch or the channels") }
    return (try extent(Array(out[2...]), "size", in: 1...65_536), Array(used[2...]))
  }

  /// Upsample of opset 7.
  private func attributeScales() throws(InterchangeError) -> [Float] {
    guard case .numbers(let scales) = node.attributes["scales"] else { throw failure("has neither sizes nor scales") }
    return scales
  }

  /// Here voxel i is ⌊i·in/out⌋ of the input; ONNX has many rules, which often agree.
  private func checkNearest(
    from source: Extent, to out: [Int], _ scales: [Float], _ coordinates: String, isOld: Bool
  ) throws(InterchangeError) {
    let rounding = try text("nearest_mode", default: isOld ? "floor" : "round_prefer_floor")
    guard let rule = ONNXNearest.Rule(rawValue: coordinates), let rounded = ONNXNearest.Rounding(rawValue: rounding) else {
      throw failure("takes voxels by \(quoted(coordinates)) and \(quoted(rounding)), which VoxCL has no layer for")
    }
    let nearest = ONNXNearest(rule: rule, rounded)
    for (axis, input) in source.axes.enumerated() {
      // Before opset 11 no rule was written down, and programs differ where voxels are left out.
      guard nearest.agrees(from: input, to: out[axis], scale: scales[axis]), !isOld || out[axis] >= input else {
        throw failure(
          "takes other voxels than ⌊i·in/out⌋ (\(coordinates), \(rounding), \(input) to \(out[axis]) voxels), "
            + "which VoxCL has no layer for")
      }
    }
  }

  // MARK: Padding and cropping

  func pad() throws(InterchangeError) -> Tensor {
    let x = try tensor(0)
    let pads = has(1) ? try integers(1, "pads") : try integers("pads") ?? []
    let axes = (has(3) ? try integers(3, "axes") : [0, 1, 2, 3, 4]).map { $0 < 0 ? $0 + 5 : $0 }
    guard pads.count == 2 * axes.count, axes.allSatisfy((0..<5).contains) else {
      throw failure("has \(pads.count) pads for \(axes.count) axes")
    }
    var (low, high) = ([0, 0, 0, 0, 0], [0, 0, 0, 0, 0])
    for (i, axis) in axes.enumerated() { (low[axis], high[axis]) = (pads[i], pads[axes.count + i]) }
    guard low[0] == 0, low[1] == 0, high[0] == 0, high[1] == 0 else { throw failure("pads the batch or the channels") }
    let before = try extent(Array(low[2...]), "pads", in: 0...65_536)
    let behind = try extent(Array(high[2...]), "pads", in: 0...65_536)
    if before == 0 && behind == 0 { return x }
    let mode: PadMode
    switch try text("mode", default: "constant") {
    case "reflect": mode = .reflect
    case "edge": mode = .edge
    case "constant":
      let value = has(2) ? Double(try floats(2, "value").first ?? 0) : try number("value", default: 0)
      mode = .constant(value)
    case let other: throw failure("its mode is \(quoted(other)), expected constant, reflect or edge")
    }
    return x.pad(low: before, high: behind, mode, name: layerName(), file: path, line: line)
  }

  /// A slice of the centre, as skips of valid convolutions are cut.
  func crop() throws(InterchangeError) -> Tensor {
    let x = try tensor(0)
    let own = x.shape.axes
    let isOld = model.opset < 10
    let starts = isOld ? try integers("starts") ?? [] : try integers(1, "starts")
    let ends = isOld ? try integers("ends") ?? [] : try integers(2, "ends")
    let given = isOld ? try integers("axes") : has(3) ? try integers(3, "axes") : nil
    let axes = (given ?? Array(starts.indices)).map { $0 < 0 ? $0 + 5 : $0 }
    let steps = !isOld && has(4) ? try integers(4, "steps") : axes.map { _ in 1 }
    guard starts.count == axes.count, ends.count == axes.count, axes.allSatisfy((0..<5).contains),
      steps.allSatisfy({ $0 == 1 })
    else { throw failure("from \(starts) to \(ends) by \(steps) along \(axes), which VoxCL has no layer for") }
    var (low, out) = ([0, 0, 0, 0, 0], own)
    for (i, axis) in axes.enumerated() {
      let (first, end) = slice(starts[i], ends[i], of: own[axis])
      (low[axis], out[axis]) = (first, end - first)
    }
    let centred = zip(own, out).map { ($0 - $1) / 2 }
    guard out.allSatisfy({ $0 > 0 }), out[0] == own[0], out[1] == own[1], low == centred else {
      throw failure("cuts \(out) from \(low) on of \(own), expected the centre of the volume")
    }
    if out == own { return x }
    return x.crop(to: Extent(Array(out[2...])), name: layerName(), file: path, line: line)
  }

  /// First and behind the last element; negative numbers count from the end.
  func slice(_ start: Int, _ end: Int, of count: Int) -> (Int, Int) {
    func place(_ index: Int) -> Int {
      Swift.min(index < 0 ? Swift.max(index, -count) + count : index, count)
    }
    let first = place(start)
    return (first, Swift.max(first, place(end)))
  }

  // MARK: Joins

  func concat() throws(InterchangeError) -> Tensor {
    let axis = try integer("axis", default: 1)
    guard axis == 1 || axis == -4 else { throw failure("joins along axis \(axis), expected the channels' (1)") }
    var parts: [Tensor] = []
    for index in node.inputs.indices { parts.append(try tensor(index)) }
    guard parts.count > 1 else { return try tensor(0) }
    return parts[0].concat(Array(parts[1...]), name: layerName(), file: path, line: line)
  }

  func arithmetic() throws(InterchangeError) -> Value {
    guard node.inputs.count > 1 else { return try value(0) }
    if node.inputs.count == 2 {
      if case .constant(let right) = try value(1) { return try affine(0, right, isLeft: false) }
      if case .constant(let left) = try value(0) { return try affine(1, left, isLeft: true) }
    }
    var result = try tensor(0)
    for index in 1..<node.inputs.count {
      let other = try tensor(index)
      // Either may be the one that is repeated; the larger stands first.
      let isSmaller = zip(result.shape.axes, other.shape.axes).contains { $0 < $1 }
      let (a, b) = isSmaller ? (other, result) : (result, other)
      switch node.op {
      case "Add", "Sum": result = a.add(b, name: layerName(), file: path, line: line)
      case "Mul": result = a.multiply(b, name: layerName(), file: path, line: line)
      default: throw failure("of two layers' outputs; VoxCL has no such layer")
      }
    }
    return .tensor(result)
  }

  /// A layer's output and a constant: γ or β of a group norm, or else a factor and a summand a channel.
  private func affine(_ place: Int, _ constant: ONNXTensor, isLeft: Bool) throws(InterchangeError) -> Value {
    guard let given = constant.data.floats else {
      throw failure("with a constant of \(constant.data.type.rawValue), expected floating point")
    }
    if case .normalised(var norm) = try value(place), norm.isRestored, readers[node.inputs[place]] == 1,
      isPerChannel(constant, of: norm.input)
    {
      if node.op == "Mul" && norm.weight == nil {
        norm.weight = constant
        return .normalised(norm)
      }
      if node.op == "Add" { return .tensor(groupNorm(norm, bias: constant)) }
    }
    let x = try tensor(place)
    guard given.count == 1 || isPerChannel(constant, of: x) else {
      throw failure("with a constant of shape \(constant.data.shape), expected one value, or one a channel")
    }
    let values = given.count == 1 ? Array(repeating: given[0], count: x.channels) : given
    let ones = Array(repeating: Float(1), count: x.channels)
    let zeros = Array(repeating: Float(0), count: x.channels)
    let factor: [Float]
    let summand: [Float]
    switch node.op {
    case "Mul": (factor, summand) = (values, zeros)
    case "Div" where !isLeft: (factor, summand) = (values.map { 1 / $0 }, zeros)
    case "Add", "Sum": (factor, summand) = (ones, values)
    case "Sub": (factor, summand) = isLeft ? (ones.map { -$0 }, values) : (ones, values.map { -$0 })
    default: throw failure("of a constant by a layer's output; VoxCL has no such layer")
    }
    let name = layerName()
    trainingRemarks.append(
      "layer \(quoted(name)) (\(node.op) with a constant) is a convolution of each channel; training would change it")
    let isFactor = ["Mul", "Div"].contains(node.op)
    let unnamed = ONNXTensor("\(name)/\(isFactor ? "bias" : "weight")", TensorData(shape: [], floats: []))
    load(isFactor ? constant : unnamed, factor, for: name)
    if !isFactor { load(constant, summand, for: name) }
    return .tensor(
      x.conv(x.channels, kernel: 1, groups: x.channels, bias: !isFactor, name: name, file: path, line: line))
  }
}
