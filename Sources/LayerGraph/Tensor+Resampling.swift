extension Tensor {
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
    return maxPool(window, stride: window, name: name, file: file, line: line)
  }

  /// Maximum over windows; padding (at most half a window) counts as −∞. Output extent
  /// ⌊(in + 2·padding − window)/stride⌋ + 1.
  public func maxPool(
    _ window: Extent, stride: Extent, padding: Extent = 0, name: String? = nil, file: String = #fileID,
    line: UInt = #line
  ) -> Tensor {
    let pool = PoolShape(window: window, stride: stride, padding: padding)
    return append(.maxPool(pool), pool, name, SourceLocation(file, line))
  }

  /// Mean over windows (stride = window where not given); padding counts as zeros where `countsPadding`, else the
  /// mean is over the window's voxels inside the input.
  public func averagePool(
    _ window: Extent, stride: Extent? = nil, padding: Extent = 0, countsPadding: Bool = true,
    name: String? = nil, file: String = #fileID, line: UInt = #line
  ) -> Tensor {
    let pool = PoolShape(window: window, stride: stride ?? window, padding: padding)
    return append(
      .averagePool(pool, countsPadding: countsPadding), pool, name, SourceLocation(file, line))
  }

  /// Mean over all voxels: N×C×1×1×1. One window of stride 1: a window that tiles has its own extent as stride.
  public func globalAveragePool(name: String? = nil, file: String = #fileID, line: UInt = #line) -> Tensor {
    averagePool(extent, stride: 1, name: name, file: file, line: line)
  }

  private func append(_ op: Op, _ pool: PoolShape, _ name: String?, _ location: SourceLocation) -> Tensor {
    guard !isPoisoned else { return self }
    let padded = extent.map(pool.padding) { $0 + 2 * $1 }
    let out: Extent = padded.map(pool.window) { $0 - $1 }.map(pool.stride) { $0 < 0 || $1 < 1 ? 0 : $0 / $1 + 1 }
    var problem: String?
    if !pool.window.allSatisfy({ $0 > 0 }) || !pool.stride.allSatisfy({ $0 > 0 }) {
      problem = "window \(pool.window) and stride \(pool.stride) must be at least 1 on each axis"
    } else if pool.padding.map(pool.window, { $0 >= 0 && 2 * $0 <= $1 ? 1 : 0 }) != 1 {
      problem = "padding \(pool.padding) must lie between 0 and half the window \(pool.window)"
    } else if !out.allSatisfy({ $0 > 0 }) {
      problem = "input extents \(extent) are smaller than the window \(pool.window)"
    }
    if let problem { return mistake(op.name, name, problem, location) }
    return network.append(
      op, [self], Shape(batch: shape.batch, channels: channels, extent: out),
      path: network.nextPath(op.name, named: name), at: location)
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
    return network.append(.upsample(mode, factor: factor), [self], out, path: path, at: SourceLocation(file, line))
  }

  /// To these extents, larger or smaller. Without anti-aliasing, as PyTorch's `interpolate`.
  public func resize(
    _ mode: Interpolation, to target: Extent, alignCorners: Bool = false, name: String? = nil,
    file: String = #fileID, line: UInt = #line
  ) -> Tensor {
    guard !isPoisoned else { return self }
    let location = SourceLocation(file, line)
    guard target.allSatisfy({ $0 > 0 }) else {
      return mistake("resize", name, "extents \(target) must be at least 1 on each axis", location)
    }
    guard mode == .trilinear || !alignCorners else {
      return mistake("resize", name, "aligned corners are for linear interpolation only", location)
    }
    let out = Shape(batch: shape.batch, channels: channels, extent: target)
    return network.append(
      .resize(mode, alignsCorners: alignCorners), [self], out, path: network.nextPath("resize", named: name),
      at: location)
  }

  /// `low` and `high` voxels more before and behind each axis.
  public func pad(
    low: Extent, high: Extent, _ mode: PadMode = .constant(0), name: String? = nil, file: String = #fileID,
    line: UInt = #line
  ) -> Tensor {
    guard !isPoisoned else { return self }
    let widest = low.map(high) { max($0, $1) }
    var problem: String?
    if !low.allSatisfy({ $0 >= 0 }) || !high.allSatisfy({ $0 >= 0 }) {
      problem = "padding must not be negative (crop instead)"
    } else if mode == .reflect && widest.map(extent, { $0 < $1 ? 1 : 0 }) != 1 {
      problem = "reflection by \(widest) needs extents above that, found \(extent)"
    }
    if let problem { return mistake("pad", name, problem, SourceLocation(file, line)) }
    let out = Shape(
      batch: shape.batch, channels: channels, extent: extent.map(low) { $0 + $1 }.map(high) { $0 + $1 })
    return network.append(
      .pad(mode, low: low), [self], out, path: network.nextPath("pad", named: name),
      at: SourceLocation(file, line))
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
    return network.append(
      .crop, [self], out, path: network.nextPath("crop", named: name), at: SourceLocation(file, line))
  }
}
