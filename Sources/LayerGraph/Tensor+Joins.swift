extension Tensor {
  /// Channels of self, then of the others.
  public func concat(
    _ others: Tensor..., name: String? = nil, file: String = #fileID, line: UInt = #line
  ) -> Tensor {
    concat(others, name: name, file: file, line: line)
  }
  /// Channels of self, then of the others.
  public func concat(
    _ others: [Tensor], name: String? = nil, file: String = #fileID, line: UInt = #line
  ) -> Tensor {
    let all = [self] + others
    let location = SourceLocation(file, line)
    guard !all.contains(where: \.isPoisoned) else { return .poisoned(network) }
    for other in others where other.extent != extent || other.shape.batch != shape.batch {
      return mistake(
        "concat", name, "shapes \(shape) and \(other.shape) differ in more than channels", location)
    }
    let out = Shape(
      batch: shape.batch, channels: all.reduce(0) { $0 + $1.channels }, extent: extent)
    return network.append(.concat, all, out, path: network.nextPath("concat", named: name), at: location)
  }

  /// Element-wise sum. `other` may have one channel, and extent 1 on any axis: it is repeated.
  public func add(
    _ other: Tensor, name: String? = nil, file: String = #fileID, line: UInt = #line
  ) -> Tensor {
    join(.add, other, name, SourceLocation(file, line))
  }

  /// Element-wise product. `other` may have one channel (an attention map), and extent 1 on any axis (a gate for
  /// each channel): it is repeated.
  public func multiply(
    _ other: Tensor, name: String? = nil, file: String = #fileID, line: UInt = #line
  ) -> Tensor {
    join(.multiply, other, name, SourceLocation(file, line))
  }

  private func join(_ op: Op, _ other: Tensor, _ name: String?, _ location: SourceLocation) -> Tensor {
    guard !isPoisoned, !other.isPoisoned else { return .poisoned(network) }
    let fits =
      other.shape.batch == shape.batch && [1, channels].contains(other.channels)
      && other.extent.map(extent, { $0 == 1 || $0 == $1 ? 1 : 0 }) == 1
    guard fits else {
      return mistake(
        op.name, name, "shapes \(shape) and \(other.shape) differ, and the second cannot be repeated", location)
    }
    return network.append(
      op, [self, other], shape, path: network.nextPath(op.name, named: name), at: location)
  }
}
