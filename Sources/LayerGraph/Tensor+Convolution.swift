extension Tensor {
  /// 3D convolution to `channels`. Weight O×I×kD×kH×kW from U(±1/√fan-in) like the bias (the default of PyTorch:
  /// Kaiming-uniform with a = √5).
  public func conv(
    _ channels: Int, kernel: Extent = 3, stride: Extent = 1, padding: Padding = .same, bias: Bool = true,
    name: String? = nil, file: String = #fileID, line: UInt = #line
  ) -> Tensor {
    let location = SourceLocation(file, line)
    let path = network.nextPath("conv", named: name)
    guard !isPoisoned else { return self }
    let low = lowPadding(padding, kernel)
    let padded = paddedTotal(padding, kernel, low)
    let out = extent.map(padded) { $0 + $1 }.map(kernel) { $0 - $1 }.map(stride) {
      $0 < 0 ? 0 : $0 / $1 + 1
    }
    guard
      check(
        channels: channels, kernel: kernel, stride: stride, out: out, what: "convolution", path, location)
    else { return .poisoned(network) }
    let fanIn = Double(self.channels * kernel.count)
    return convolution(
      .convolution(ConvolutionShape(kernel: kernel, stride: stride, padding: low, hasBias: bias)),
      weight: [channels, self.channels] + kernel.axes, fanIn: fanIn, bias: bias,
      Shape(batch: shape.batch, channels: channels, extent: out), path, location)
  }

  /// Transposed 3D convolution; output extent (in − 1)·stride − 2·padding + kernel. Weight I×O×kD×kH×kW.
  public func upConv(
    _ channels: Int, kernel: Extent = 2, stride: Extent = 2, padding: Extent = 0, bias: Bool = true,
    name: String? = nil, file: String = #fileID, line: UInt = #line
  ) -> Tensor {
    let location = SourceLocation(file, line)
    let path = network.nextPath("upconv", named: name)
    guard !isPoisoned else { return self }
    let out = extent.map(stride) { ($0 - 1) * $1 }.map(padding) { $0 - 2 * $1 }.map(kernel) { $0 + $1 }
    guard
      check(
        channels: channels, kernel: kernel, stride: stride, out: out, what: "transposed convolution", path,
        location)
    else { return .poisoned(network) }
    // PyTorch takes the fan-in of a transposed weight from its second axis.
    let fanIn = Double(channels * kernel.count)
    return convolution(
      .transposedConvolution(
        ConvolutionShape(kernel: kernel, stride: stride, padding: padding, hasBias: bias)),
      weight: [self.channels, channels] + kernel.axes, fanIn: fanIn, bias: bias,
      Shape(batch: shape.batch, channels: channels, extent: out), path, location)
  }

  private func convolution(
    _ op: Op, weight: [Int], fanIn: Double, bias: Bool, _ out: Shape, _ path: String,
    _ location: SourceLocation
  ) -> Tensor {
    let bound = 1 / fanIn.squareRoot()
    var parameters = [
      network.parameter("\(path)/weight", weight, .uniform(bound: bound), at: location)
    ]
    if bias {
      parameters.append(
        network.parameter("\(path)/bias", [out.channels], .uniform(bound: bound), at: location))
    }
    return network.append(op, [self], out, path: path, parameters: parameters)
  }

  private func check(
    channels: Int, kernel: Extent, stride: Extent, out: Extent, what: String, _ path: String,
    _ location: SourceLocation
  ) -> Bool {
    var problem: String?
    if channels < 1 { problem = "\(what) to \(channels) channels; at least 1 is needed" }
    if !kernel.allSatisfy({ $0 > 0 }) || !stride.allSatisfy({ $0 > 0 }) {
      problem = "kernel \(kernel) and stride \(stride) must be at least 1 on each axis"
    } else if !out.allSatisfy({ $0 > 0 }) {
      problem = "input extents \(extent) are smaller than the kernel \(kernel)"
    }
    if let problem { network.record(problem, at: location, path: path) }
    return problem == nil
  }

  private func lowPadding(_ padding: Padding, _ kernel: Extent) -> Extent {
    switch padding {
    case .same: kernel.map(kernel) { k, _ in (k - 1) / 2 }
    case .valid: 0
    case .explicit(let extent): extent
    }
  }

  /// Padding of both sides together.
  private func paddedTotal(_ padding: Padding, _ kernel: Extent, _ low: Extent) -> Extent {
    switch padding {
    case .same: kernel.map(kernel) { k, _ in k - 1 }
    case .valid: 0
    case .explicit: low.map(low) { a, b in a + b }
    }
  }
}
