extension Tensor {
  /// A norm; parameters γ (`weight`, 1) and β (`bias`, 0), one a channel, where affine.
  public func norm(
    _ normalisation: Normalisation, name: String? = nil, file: String = #fileID, line: UInt = #line
  ) -> Tensor {
    let location = SourceLocation(file, line)
    let path = network.nextPath("norm", named: name)
    guard !isPoisoned else { return self }
    if let problem = problem(with: normalisation) {
      network.record(problem, at: location, path: path)
      return .poisoned(network)
    }
    var parameters: [Int] = []
    if normalisation.hasAffine {
      parameters = [
        network.parameter("\(path)/weight", [channels], .constant(1), at: location),
        network.parameter("\(path)/bias", [channels], .constant(0), at: location),
      ]
    }
    return network.append(
      .normalisation(normalisation), [self], shape, path: path, parameters: parameters, at: location)
  }

  private func problem(with norm: Normalisation) -> String? {
    if norm.kind == .group && (norm.groups < 1 || channels % norm.groups != 0) {
      return "\(channels) channels cannot be cut into \(norm.groups) groups"
    }
    if !(norm.epsilon > 0) { return "norm epsilon \(norm.epsilon) is not above 0" }
    if norm.isOverBatch && !(0...1).contains(norm.momentum) {
      return "norm momentum \(norm.momentum) is not in 0...1"
    }
    let values =
      switch norm.kind {
      case .instance: extent.count
      case .batch, .batchRenorm: shape.batch * extent.count
      case .group: channels / norm.groups * extent.count
      }
    guard values < 2 else { return nil }
    return "\(norm.kind.rawValue) norm over a single value (extents \(extent)) is always zero"
  }

  public func instanceNorm(name: String? = nil, file: String = #fileID, line: UInt = #line) -> Tensor {
    norm(Normalisation(.instance), name: name, file: file, line: line)
  }
  public func batchNorm(name: String? = nil, file: String = #fileID, line: UInt = #line) -> Tensor {
    norm(Normalisation(.batch), name: name, file: file, line: line)
  }
  public func groupNorm(
    _ groups: Int, name: String? = nil, file: String = #fileID, line: UInt = #line
  ) -> Tensor {
    norm(Normalisation(.group, groups: groups), name: name, file: file, line: line)
  }
  /// Over all channels and voxels of a sample; γ and β one a channel (group norm of one group).
  public func layerNorm(name: String? = nil, file: String = #fileID, line: UInt = #line) -> Tensor {
    groupNorm(1, name: name, file: file, line: line)
  }

  public func activation(
    _ kind: ActivationKind, name: String? = nil, file: String = #fileID, line: UInt = #line
  ) -> Tensor {
    pointwise(.activation(kind), name, SourceLocation(file, line))
  }
  public func relu(name: String? = nil, file: String = #fileID, line: UInt = #line) -> Tensor {
    activation(.relu, name: name, file: file, line: line)
  }
  public func leakyReLU(
    _ slope: Double = 0.01, name: String? = nil, file: String = #fileID, line: UInt = #line
  ) -> Tensor {
    activation(.leakyReLU(slope: slope), name: name, file: file, line: line)
  }
  public func sigmoid(name: String? = nil, file: String = #fileID, line: UInt = #line) -> Tensor {
    activation(.sigmoid, name: name, file: file, line: line)
  }
  public func elu(
    _ alpha: Double = 1, name: String? = nil, file: String = #fileID, line: UInt = #line
  ) -> Tensor {
    activation(.elu(alpha: alpha), name: name, file: file, line: line)
  }
  public func silu(name: String? = nil, file: String = #fileID, line: UInt = #line) -> Tensor {
    activation(.silu, name: name, file: file, line: line)
  }
  public func gelu(name: String? = nil, file: String = #fileID, line: UInt = #line) -> Tensor {
    activation(.gelu, name: name, file: file, line: line)
  }
  public func tanh(name: String? = nil, file: String = #fileID, line: UInt = #line) -> Tensor {
    activation(.tanh, name: name, file: file, line: line)
  }

  /// x > 0 ? x : a·x; `weight` holds a, 0.25 at first: one value, or one a channel.
  public func prelu(
    perChannel: Bool = false, name: String? = nil, file: String = #fileID, line: UInt = #line
  ) -> Tensor {
    let location = SourceLocation(file, line)
    let path = network.nextPath("prelu", named: name)
    guard !isPoisoned else { return self }
    let slope = network.parameter("\(path)/weight", [perChannel ? channels : 1], .constant(0.25), at: location)
    return network.append(.prelu, [self], shape, path: path, parameters: [slope], at: location)
  }

  /// Softmax over the channels.
  public func softmax(name: String? = nil, file: String = #fileID, line: UInt = #line) -> Tensor {
    pointwise(.softmax, name, SourceLocation(file, line))
  }

  /// Element-wise dropout.
  public func dropout(
    _ probability: Double, name: String? = nil, file: String = #fileID, line: UInt = #line
  ) -> Tensor {
    dropout(probability, isSpatial: false, name, SourceLocation(file, line))
  }
  /// Dropout of whole channels of a sample.
  public func spatialDropout(
    _ probability: Double, name: String? = nil, file: String = #fileID, line: UInt = #line
  ) -> Tensor {
    dropout(probability, isSpatial: true, name, SourceLocation(file, line))
  }
  private func dropout(
    _ probability: Double, isSpatial: Bool, _ name: String?, _ location: SourceLocation
  ) -> Tensor {
    guard (0..<1).contains(probability) else {
      return mistake("dropout", name, "dropout probability \(probability) is not in 0..<1", location)
    }
    return pointwise(.dropout(probability: probability, isSpatial: isSpatial), name, location)
  }

  private func pointwise(_ op: Op, _ name: String?, _ location: SourceLocation) -> Tensor {
    guard !isPoisoned else { return self }
    return network.append(op, [self], shape, path: network.nextPath(op.name, named: name), at: location)
  }

  /// Records a mistake of the op that would have been next.
  func mistake(_ kind: String, _ name: String?, _ message: String, _ location: SourceLocation) -> Tensor {
    guard !isPoisoned else { return self }
    network.record(message, at: location, path: network.nextPath(kind, named: name))
    return .poisoned(network)
  }
}
