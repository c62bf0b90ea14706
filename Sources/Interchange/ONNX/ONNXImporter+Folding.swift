import LayerGraph

// Sizes are worked out at once: for one input every shape is known, so that Shape → Gather → Concat → Resize, as
// exporters write it, ends in numbers.
extension ONNXImporter {
  /// Sizes are short lists; a longer one comes from a damaged file.
  private static let most = 65_536

  /// The present node's value where it follows from constants and shapes alone; nil where it is a layer.
  func folded() throws(InterchangeError) -> ONNXTensor? {
    if node.op == "Constant" { return try constantNode() }
    if node.op == "Shape" {
      let axes = try shape(0)
      let (first, end) = slice(
        try integer("start", default: 0), try integer("end", default: axes.count), of: axes.count)
      return sizes(Array(axes[first..<end]), [end - first])
    }
    if node.op == "Size" { return sizes([try shape(0).reduce(1, *)], []) }
    guard !node.inputs.isEmpty, node.inputs.indices.allSatisfy(isConstantOrMissing) else { return nil }
    switch node.op {
    case "Identity": return try constant(0, "input")
    case "Gather": return try gather()
    case "Slice": return try slice()
    case "Transpose": return try transposed()
    case "Concat": return try concatenated()
    case "Squeeze", "Unsqueeze", "Reshape": return try reshaped()
    case "Cast": return try converted()
    case "Floor", "Ceil", "Neg": return try mapped()
    case "ConstantOfShape": return try filled()
    case "Add", "Sub", "Mul", "Div", "Mod", "Min", "Max", "Equal": return try combined()
    case "Where": return try chosen()
    case "Expand": return try expanded()
    default: throw failure("of constants; VoxCL does not work it out")
    }
  }

  private func isConstantOrMissing(_ index: Int) -> Bool {
    guard has(index) else { return true }
    if case .constant = values[node.inputs[index]] { return true }
    return false
  }

  private func sizes(_ values: [Int], _ shape: [Int]) -> ONNXTensor {
    ONNXTensor("", TensorData(shape: shape, integers: values))
  }

  private func constantNode() throws(InterchangeError) -> ONNXTensor {
    let name = node.outputs.first ?? ""
    let keys = ["value", "value_float", "value_floats", "value_int", "value_ints"]
    switch keys.lazy.compactMap({ self.node.attributes[$0] }).first {
    case .tensor(let tensor): return ONNXTensor(tensor.name.isEmpty ? name : tensor.name, tensor.data)
    case .number(let value): return ONNXTensor(name, TensorData(shape: [], floats: [value]))
    case .numbers(let values): return ONNXTensor(name, TensorData(shape: [values.count], floats: values))
    case .integer(let value): return sizes([value], [])
    case .integers(let values): return sizes(values, [values.count])
    default: throw failure("holds no tensor and no number")
    }
  }

  private func shape(_ index: Int) throws(InterchangeError) -> [Int] {
    if case .constant(let tensor) = try value(index) { return tensor.data.shape }
    if case .normalised(let norm) = try value(index), norm.isRestored { return norm.input.shape.axes }
    return try tensor(index).shape.axes
  }

  private func gather() throws(InterchangeError) -> ONNXTensor {
    let source = try integers(0, "input")
    let indices = try integers(1, "indices")
    let axis = try integer("axis", default: 0)
    guard try constant(0, "input").data.shape.count == 1, axis == 0 || axis == -1 else {
      throw failure("from a constant of more than one axis")
    }
    var result: [Int] = []
    for index in indices {
      let place = index < 0 ? index + source.count : index
      guard source.indices.contains(place) else { throw failure("takes element \(index) of \(source.count)") }
      result.append(source[place])
    }
    return sizes(result, try constant(1, "indices").data.shape)
  }

  /// Rows from the first axis, forwards or backwards.
  private func slice() throws(InterchangeError) -> ONNXTensor {
    let source = try integers(0, "input")
    let shape = try constant(0, "input").data.shape
    let isOld = model.opset < 10
    let start = isOld ? try integers("starts") ?? [] : try integers(1, "starts")
    let end = isOld ? try integers("ends") ?? [] : try integers(2, "ends")
    let axes = isOld ? try integers("axes") ?? [0] : has(3) ? try integers(3, "axes") : [0]
    let step = !isOld && has(4) ? try integers(4, "steps") : [1]
    guard let count = shape.first, start.count == 1, end.count == 1, axes == [0], step == [1] || step == [-1]
    else { throw failure("of a constant of shape \(shape) from \(start) to \(end) by \(step) along \(axes)") }
    var rows: [Int]
    if step[0] == 1 {
      let (first, behind) = slice(start[0], end[0], of: count)
      rows = Array(first..<behind)
    } else {
      // From `start` down to the row behind `end`.
      func place(_ index: Int) -> Int { Swift.min(index < 0 ? Swift.max(index, -count - 1) + count : index, count - 1) }
      let (first, last) = (place(start[0]), place(end[0]) + 1)
      rows = first < last ? [] : Array((last...first).reversed())
    }
    let size = shape.dropFirst().reduce(1, *)
    return sizes(rows.flatMap { source[$0 * size..<($0 + 1) * size] }, [rows.count] + shape.dropFirst())
  }

  /// Of a table.
  private func transposed() throws(InterchangeError) -> ONNXTensor {
    let source = try integers(0, "input")
    let shape = try constant(0, "input").data.shape
    let order = try integers("perm") ?? Array(shape.indices.reversed())
    guard shape.count == 2, order == [1, 0] else { throw failure("of a constant of shape \(shape) to axes \(order)") }
    let values = (0..<shape[1]).flatMap { column in (0..<shape[0]).map { source[$0 * shape[1] + column] } }
    return sizes(values, [shape[1], shape[0]])
  }

  private func concatenated() throws(InterchangeError) -> ONNXTensor {
    var count = 0
    var bytes: [UInt8] = []
    var type: TensorDataType?
    for index in node.inputs.indices {
      let tensor = try constant(index, "input").data
      guard tensor.shape.count == 1, type == nil || type == tensor.type else {
        throw failure("joins constants of \(tensor.shape.count) axes, expected lists of one type")
      }
      type = tensor.type
      bytes += tensor.bytes
      count += tensor.shape[0]
      guard count <= Self.most else { throw failure("joins \(count) elements and more") }
    }
    guard let type else { throw failure("joins nothing") }
    return ONNXTensor("", TensorData(shape: [count], type: type, bytes: bytes))
  }

  private func reshaped() throws(InterchangeError) -> ONNXTensor {
    var tensor = try constant(0, "input")
    var shape = tensor.data.shape
    switch node.op {
    case "Reshape":
      var target = try integers(1, "shape")
      for (axis, extent) in target.enumerated() where extent == 0 && axis < shape.count { target[axis] = shape[axis] }
      let known = target.filter { $0 > 0 }.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
      let count = shape.reduce(1, *)
      if let open = target.firstIndex(of: -1), known > 0 { target[open] = count / known }
      shape = target
    case "Squeeze":
      let axes = has(1) ? try integers(1, "axes") : try integers("axes")
      let dropped = Set((axes ?? shape.indices.filter { shape[$0] == 1 }).map { $0 < 0 ? $0 + shape.count : $0 })
      shape = shape.indices.filter { !dropped.contains($0) }.map { shape[$0] }
    default:
      let axes = has(1) ? try integers(1, "axes") : try integers("axes") ?? []
      let rank = shape.count + axes.count
      for axis in axes.map({ $0 < 0 ? $0 + rank : $0 }).sorted() {
        guard (0...shape.count).contains(axis) else { throw failure("adds axis \(axis) to \(shape)") }
        shape.insert(1, at: axis)
      }
    }
    guard byteCount(shape: shape, type: tensor.data.type) == tensor.data.bytes.count else {
      throw failure("of a constant of shape \(tensor.data.shape) to \(shape)")
    }
    tensor.data.shape = shape
    return tensor
  }

  private func converted() throws(InterchangeError) -> ONNXTensor {
    let tensor = try constant(0, "input")
    let (values, shape) = (try numbers(0), tensor.data.shape)
    let code = try integer("to", default: 0)
    guard let type = TensorDataType(onnxCode: code) else { throw failure("to element type \(code)") }
    switch type {
    case .bool: return sizes(values.map { $0 != 0 ? 1 : 0 }, shape)
    case .float64: return ONNXTensor(tensor.name, TensorData(shape: shape, doubles: values))
    case .float32, .float16, .bfloat16:
      return ONNXTensor(tensor.name, TensorData(shape: shape, floats: values.map { Float($0) }))
    default: return try integral(values.map { $0.rounded(.towardZero) }, shape)
    }
  }

  private func mapped() throws(InterchangeError) -> ONNXTensor {
    let tensor = try constant(0, "input").data
    let values = try numbers(0).map { node.op == "Neg" ? -$0 : $0.rounded(node.op == "Floor" ? .down : .up) }
    return try result(values, tensor.shape, as: tensor.type)
  }

  private func filled() throws(InterchangeError) -> ONNXTensor {
    let shape = try integers(0, "shape")
    let count = shape.reduce(1) { Swift.min($0.multipliedReportingOverflow(by: $1).partialValue, 1 << 40) }
    guard shape.allSatisfy({ (0...Self.most).contains($0) }), count <= Self.most else {
      throw failure("of shape \(shape)")
    }
    guard case .tensor(let value) = node.attributes["value"] else {
      return ONNXTensor("", TensorData(shape: shape, floats: Array(repeating: 0, count: count)))
    }
    let bytes = value.data.bytes
    guard bytes.count == value.data.type.sizeInBytes else { throw failure("of \(bytes.count) bytes, expected one element") }
    return ONNXTensor(
      "", TensorData(shape: shape, type: value.data.type, bytes: (0..<count).flatMap { _ in bytes }))
  }

  // MARK: Element by element

  private func numbers(_ index: Int) throws(InterchangeError) -> [Double] {
    let tensor = try constant(index, "input").data
    guard let values = tensor.doubles else { throw failure("of \(tensor.type.rawValue)") }
    return values
  }

  /// Sizes stay below 2⁵³, so that doubles hold them.
  private func integral(_ values: [Double], _ shape: [Int]) throws(InterchangeError) -> ONNXTensor {
    guard values.allSatisfy({ abs($0) < 9e15 }) else { throw failure("gives a number that is no size") }
    return sizes(values.map { Int($0) }, shape)
  }

  /// Rounded as its operands were: float64 stays, other floating point is float32.
  private func result(
    _ values: [Double], _ shape: [Int], as type: TensorDataType
  ) throws(InterchangeError) -> ONNXTensor {
    switch type {
    case .float64: return ONNXTensor("", TensorData(shape: shape, doubles: values))
    case .float32, .float16, .bfloat16:
      return ONNXTensor("", TensorData(shape: shape, floats: values.map { Float($0) }))
    default: return try integral(values, shape)
    }
  }

  /// Two lists of one length, or a single number with a list.
  private func pairs(
    _ a: Int, _ b: Int
  ) throws(InterchangeError) -> (values: [(Double, Double)], shape: [Int]) {
    let (left, right) = (try numbers(a), try numbers(b))
    let (leftShape, rightShape) = (try constant(a, "input").data.shape, try constant(b, "input").data.shape)
    if right.count == 1 && leftShape.count >= rightShape.count { return (left.map { ($0, right[0]) }, leftShape) }
    if left.count == 1 { return (right.map { (left[0], $0) }, rightShape) }
    guard leftShape == rightShape else { throw failure("of constants of shapes \(leftShape) and \(rightShape)") }
    return (Array(zip(left, right)), leftShape)
  }

  private func combined() throws(InterchangeError) -> ONNXTensor {
    guard node.inputs.count == 2 else { throw failure("of \(node.inputs.count) constants, expected two") }
    let type = try constant(0, "input").data.type
    let isFloating = try constant(0, "input").data.floats != nil
    let (values, shape) = try pairs(0, 1)
    var results: [Double] = []
    results.reserveCapacity(values.count)
    for (a, b) in values {
      switch node.op {
      case "Add": results.append(a + b)
      case "Sub": results.append(a - b)
      case "Mul": results.append(a * b)
      case "Min": results.append(Swift.min(a, b))
      case "Max": results.append(Swift.max(a, b))
      case "Equal": results.append(a == b ? 1 : 0)
      default:
        guard isFloating || b != 0 else { throw failure("divides by 0") }
        // ONNX's integer division drops the fraction; Mod has the divisor's sign.
        if node.op == "Mod" {
          results.append(a - b * (a / b).rounded(.down))
        } else {
          results.append(isFloating ? a / b : (a / b).rounded(.towardZero))
        }
      }
    }
    return try result(results, shape, as: node.op == "Equal" ? .int64 : type)
  }

  private func chosen() throws(InterchangeError) -> ONNXTensor {
    let condition = try numbers(0)
    let (values, shape) = try pairs(1, 2)
    guard condition.count == values.count || condition.count == 1 else {
      throw failure("of \(condition.count) conditions for \(values.count) elements")
    }
    let taken = values.indices.map { i in
      condition[condition.count == 1 ? 0 : i] != 0 ? values[i].0 : values[i].1
    }
    return try result(taken, shape, as: constant(1, "input").data.type)
  }

  /// A single number repeated.
  private func expanded() throws(InterchangeError) -> ONNXTensor {
    let (values, target) = (try numbers(0), try integers(1, "shape"))
    let own = try constant(0, "input").data
    if target == own.shape { return try constant(0, "input") }
    let count = target.reduce(1) { Swift.min($0.multipliedReportingOverflow(by: $1).partialValue, 1 << 40) }
    guard values.count == 1, target.allSatisfy({ (0...Self.most).contains($0) }), count <= Self.most else {
      throw failure("of a constant of shape \(own.shape) to \(target)")
    }
    return try result(Array(repeating: values[0], count: count), target, as: own.type)
  }
}
