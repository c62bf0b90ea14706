extension Tensor {
  /// Instance or batch norm; parameters γ (`weight`, 1) and β (`bias`, 0) where affine.
  public func norm(
    _ normalisation: Normalisation, name: String? = nil, file: String = #fileID, line: UInt = #line
  ) -> Tensor {
    let location = SourceLocation(file, line)
    let path = network.nextPath("norm", named: name)
    guard !isPoisoned else { return self }
    let values = normalisation.kind == .batch ? shape.batch * extent.count : extent.count
    guard values > 1 else {
      network.record(
        "\(normalisation.kind.rawValue) norm over a single value (extents \(extent)) is always zero",
        at: location, path: path)
      return .poisoned(network)
    }
    var parameters: [Int] = []
    if normalisation.hasAffine {
      parameters = [
        network.parameter("\(path)/weight", [channels], .constant(1), at: location),
        network.parameter("\(path)/bias", [channels], .constant(0), at: location),
      ]
    }
    return network.append(.normalisation(normalisation), [self], shape, path: path, parameters: parameters)
  }

  public func instanceNorm(name: String? = nil, file: String = #fileID, line: UInt = #line) -> Tensor {
    norm(Normalisation(.instance), name: name, file: file, line: line)
  }
  public func batchNorm(name: String? = nil, file: String = #fileID, line: UInt = #line) -> Tensor {
    norm(Normalisation(.batch), name: name, file: file, line: line)
  }

  public func activation(_ kind: ActivationKind, name: String? = nil) -> Tensor {
    pointwise(.activation(kind), name)
  }
  public func relu(name: String? = nil) -> Tensor { activation(.relu, name: name) }
  public func leakyReLU(_ slope: Double = 0.01, name: String? = nil) -> Tensor {
    activation(.leakyReLU(slope: slope), name: name)
  }
  public func sigmoid(name: String? = nil) -> Tensor { activation(.sigmoid, name: name) }

  /// Softmax over the channels.
  public func softmax(name: String? = nil) -> Tensor { pointwise(.softmax, name) }

  /// Element-wise dropout.
  public func dropout(
    _ probability: Double, name: String? = nil, file: String = #fileID, line: UInt = #line
  ) -> Tensor {
    guard (0..<1).contains(probability) else {
      return mistake(
        "dropout", name, "dropout probability \(probability) is not in 0..<1", SourceLocation(file, line))
    }
    return pointwise(.dropout(probability: probability), name)
  }

  /// Maximum over windows that tile the input.
  public func maxPool(
    _ window: Extent, name: String? = nil, file: String = #fileID, line: UInt = #line
  ) -> Tensor {
    guard !isPoisoned else { return self }
    guard window.allSatisfy({ $0 > 0 }), extent.map(window, { $0 % $1 }) == 0 else {
      return mistake(
        "pool", name, "extents \(extent) are no multiple of the window \(window)",
        SourceLocation(file, line))
    }
    let path = network.nextPath("pool", named: name)
    let out = Shape(batch: shape.batch, channels: channels, extent: extent.map(window) { $0 / $1 })
    return network.append(.maxPool(window: window), [self], out, path: path, parameters: [])
  }

  /// Each extent multiplied by a whole factor.
  public func upsample(
    _ mode: Interpolation, _ factor: Extent = 2, name: String? = nil, file: String = #fileID,
    line: UInt = #line
  ) -> Tensor {
    guard !isPoisoned else { return self }
    guard factor.allSatisfy({ $0 > 0 }) else {
      return mistake(
        "upsample", name, "factor \(factor) must be at least 1 on each axis", SourceLocation(file, line))
    }
    let path = network.nextPath("upsample", named: name)
    let out = Shape(batch: shape.batch, channels: channels, extent: extent.map(factor) { $0 * $1 })
    return network.append(.upsample(mode, factor: factor), [self], out, path: path, parameters: [])
  }

  /// Channels of self, then of the others.
  public func concat(
    _ others: Tensor..., name: String? = nil, file: String = #fileID, line: UInt = #line
  ) -> Tensor {
    let all = [self] + others
    guard !all.contains(where: \.isPoisoned) else { return .poisoned(network) }
    for other in others where other.extent != extent || other.shape.batch != shape.batch {
      return mistake(
        "concat", name, "extents \(extent) and \(other.extent) differ", SourceLocation(file, line))
    }
    let out = Shape(
      batch: shape.batch, channels: all.reduce(0) { $0 + $1.channels }, extent: extent)
    return network.append(.concat, all, out, path: network.nextPath("concat", named: name), parameters: [])
  }

  /// Element-wise sum.
  public func add(
    _ other: Tensor, name: String? = nil, file: String = #fileID, line: UInt = #line
  ) -> Tensor {
    guard !isPoisoned, !other.isPoisoned else { return .poisoned(network) }
    guard other.shape == shape else {
      return mistake("add", name, "shapes \(shape) and \(other.shape) differ", SourceLocation(file, line))
    }
    return network.append(.add, [self, other], shape, path: network.nextPath("add", named: name), parameters: [])
  }

  /// The centre of this extent.
  public func crop(
    to target: Extent, name: String? = nil, file: String = #fileID, line: UInt = #line
  ) -> Tensor {
    guard !isPoisoned else { return self }
    guard target.map(extent, { $0 > 0 && $0 <= $1 ? 1 : 0 }) == 1 else {
      return mistake(
        "crop", name, "extents \(extent) cannot be cropped to \(target)", SourceLocation(file, line))
    }
    let out = Shape(batch: shape.batch, channels: channels, extent: target)
    return network.append(.crop, [self], out, path: network.nextPath("crop", named: name), parameters: [])
  }

  private func pointwise(_ op: Op, _ name: String?) -> Tensor {
    guard !isPoisoned else { return self }
    return network.append(op, [self], shape, path: network.nextPath(op.name, named: name), parameters: [])
  }

  private func mistake(
    _ kind: String, _ name: String?, _ message: String, _ location: SourceLocation
  ) -> Tensor {
    guard !isPoisoned else { return self }
    network.record(message, at: location, path: network.nextPath(kind, named: name))
    return .poisoned(network)
  }
}
