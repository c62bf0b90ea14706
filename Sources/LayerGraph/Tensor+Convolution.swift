extension Tensor {
  /// 3D convolution to `channels`. Weight O×(I/groups)×kD×kH×kW. A 2D network is one of extent 1 along D.
  public func conv(
    _ channels: Int, kernel: Extent = 3, stride: Extent = 1, padding: Padding = .same, dilation: Extent = 1,
    groups: Int = 1, bias: Bool = true, name: String? = nil, file: String = #fileID, line: UInt = #line
  ) -> Tensor {
    let location = SourceLocation(file, line)
    let path = network.nextPath("conv", named: name)
    guard !isPoisoned else { return self }
    var shape = ConvolutionShape(
      kernel: kernel, stride: stride, padding: 0, dilation: dilation, groups: groups, hasBias: bias)
    let (low, high) = padding.sides(span: shape.span)
    shape.padding = low
    let padded = low.map(high) { $0 + $1 }
    guard
      check(channels: channels, shape, sides: [low, high], what: "convolution", path, location)
    else { return .poisoned(network) }
    let out = extent.map(padded) { $0 + $1 }.map(shape.span) { $0 - $1 }.map(stride) {
      $0 < 0 ? 0 : $0 / $1 + 1
    }
    guard fits(out, shape, padded: padded, path, location) else { return .poisoned(network) }
    let fanIn = Double(self.channels / groups * kernel.count)
    return convolution(
      .convolution(shape), weight: [channels, self.channels / groups] + kernel.axes, fanIn: fanIn, bias: bias,
      Shape(batch: self.shape.batch, channels: channels, extent: out), path, location)
  }

  /// Transposed 3D convolution; output extent (in − 1)·stride − 2·padding + (kernel − 1)·dilation + 1 +
  /// outputPadding. Weight I×(O/groups)×kD×kH×kW.
  public func upConv(
    _ channels: Int, kernel: Extent = 2, stride: Extent = 2, padding: Extent = 0, outputPadding: Extent = 0,
    dilation: Extent = 1, groups: Int = 1, bias: Bool = true, name: String? = nil, file: String = #fileID,
    line: UInt = #line
  ) -> Tensor {
    let location = SourceLocation(file, line)
    let path = network.nextPath("upconv", named: name)
    guard !isPoisoned else { return self }
    let shape = ConvolutionShape(
      kernel: kernel, stride: stride, padding: padding, dilation: dilation, groups: groups, hasBias: bias)
    guard
      check(
        channels: channels, shape, sides: [padding, outputPadding], what: "transposed convolution", path,
        location)
    else { return .poisoned(network) }
    let out = extent.map(stride) { ($0 - 1) * $1 }.map(padding) { $0 - 2 * $1 }.map(shape.span) { $0 + $1 }
      .map(outputPadding) { $0 + $1 }
    guard out.allSatisfy({ $0 > 0 }) else {
      network.record("padding \(padding) leaves nothing of the output", at: location, path: path)
      return .poisoned(network)
    }
    // PyTorch takes the fan-in of a transposed weight from its second axis.
    let fanIn = Double(channels / groups * kernel.count)
    return convolution(
      .transposedConvolution(shape), weight: [self.channels, channels / groups] + kernel.axes, fanIn: fanIn,
      bias: bias, Shape(batch: self.shape.batch, channels: channels, extent: out), path, location)
  }

  private func convolution(
    _ op: Op, weight: [Int], fanIn: Double, bias: Bool, _ out: Shape, _ path: String,
    _ location: SourceLocation
  ) -> Tensor {
    let fanOut = Double(weight[0] * weight[2...].reduce(1, *))
    let start = network.initialisation.initializers(fanIn: fanIn, fanOut: fanOut)
    var parameters = [network.parameter("\(path)/weight", weight, start.weight, at: location)]
    if bias {
      parameters.append(network.parameter("\(path)/bias", [out.channels], start.bias, at: location))
    }
    return network.append(op, [self], out, path: path, parameters: parameters, at: location)
  }

  private func check(
    channels: Int, _ shape: ConvolutionShape, sides: [Extent], what: String, _ path: String,
    _ location: SourceLocation
  ) -> Bool {
    var problem: String?
    let groups = shape.groups
    if channels < 1 {
      problem = "\(what) to \(channels) channels; at least 1 is needed"
    } else if ![shape.kernel, shape.stride, shape.dilation].allSatisfy({ $0.allSatisfy { $0 > 0 } }) {
      problem =
        "kernel \(shape.kernel), stride \(shape.stride) and dilation \(shape.dilation) must be at least 1 on each axis"
    } else if !sides.allSatisfy({ $0.allSatisfy { $0 >= 0 } }) {
      problem = "padding must not be negative"
    } else if groups < 1 || self.channels % groups != 0 || channels % groups != 0 {
      problem = "\(self.channels) input and \(channels) output channels cannot be cut into \(groups) groups"
    }
    if let problem { network.record(problem, at: location, path: path) }
    return problem == nil
  }

  private func fits(
    _ out: Extent, _ shape: ConvolutionShape, padded: Extent, _ path: String, _ location: SourceLocation
  ) -> Bool {
    guard !out.allSatisfy({ $0 > 0 }) else { return true }
    let of = shape.dilation == 1 ? "kernel \(shape.kernel)" : "dilated kernel's \(shape.span)"
    let with = padded == 0 ? "" : " with padding \(padded)"
    network.record("input extents \(extent)\(with) are smaller than the \(of)", at: location, path: path)
    return false
  }
}

extension Padding {
  /// Voxels before and behind an input, for a kernel of this span.
  func sides(span: Extent) -> (low: Extent, high: Extent) {
    switch self {
    case .same: (span.map(span) { k, _ in (k - 1) / 2 }, span.map(span) { k, _ in k / 2 })
    case .valid: (0, 0)
    case .explicit(let extent): (extent, extent)
    case .asymmetric(let low, let high): (low, high)
    }
  }
}
