import ExecutionPlan

/// How a convolution runs on a device: algorithm, register block, tile, and the workspace that they need.
/// Pure functions of shape and device. Results of a convolution never depend on tile or groups.
public struct ConvolutionTiling: Sendable, Equatable {
  public enum Algorithm: Sendable, Equatable {
    /// `conv3d`: `run` is T, voxels of a row held in registers; `tile` is [tileD, tileH, tileW].
    case direct(run: Int, tile: [Int])
    /// `conv3d_winograd`: F(m³, 3³), m 5: F(5³, 2³) of phases; `tilesInW` is TW. `inner`: weights come as taps.
    case winograd(m: Int, tilesInW: Int, inner: Bool)
  }

  public var algorithm: Algorithm
  /// OB: output blocks of a run.
  public var outputBlocks: Int
  /// Floats of the packed (or transformed) weights.
  public var packedFloats: Int
  /// Floats of scratch for each group.
  public var slotFloats: Int
  /// Work-groups to launch.
  public var groups: Int

  /// A convolution as a kernel sees it. Extents are [D, H, W]; `inExtent` is the virtual input's.
  public struct Shape: Sendable, Equatable {
    public var batch: Int
    public var inExtent, outExtent, segmentChannels: [Int]
    public var outChannels: Int
    public var kernel, stride, padding, dilation: [Int]
    public var isTransposed, allowsWinograd, prefersWinograd: Bool
    /// Whether the only segment is planar: its slot holds its channels alone.
    public var inputIsPlanar: Bool
    public var outputIsPlanar: Bool
    /// A norm wants the statistics of the (blocked) output: where its tiles can have whole rows, `conv3d` leaves them.
    public var wantsStatistics: Bool

    public init(
      batch: Int, inExtent: [Int], outExtent: [Int], segmentChannels: [Int], outChannels: Int,
      kernel: [Int], stride: [Int], padding: [Int], dilation: [Int] = [1, 1, 1], isTransposed: Bool = false,
      allowsWinograd: Bool = true, prefersWinograd: Bool = false, inputIsPlanar: Bool = false,
      outputIsPlanar: Bool = false, wantsStatistics: Bool = false
    ) {
      self.batch = batch
      self.inExtent = inExtent
      self.outExtent = outExtent
      self.segmentChannels = segmentChannels
      self.outChannels = outChannels
      self.kernel = kernel
      self.stride = stride
      self.padding = padding
      self.dilation = dilation
      self.isTransposed = isTransposed
      self.allowsWinograd = allowsWinograd
      self.prefersWinograd = prefersWinograd
      self.inputIsPlanar = inputIsPlanar && segmentChannels.count == 1
      self.outputIsPlanar = outputIsPlanar
      self.wantsStatistics = wantsStatistics && !outputIsPlanar
    }

    var inBlocks: Int { segmentChannels.reduce(0) { $0 + blocks($1) } }
    var inChannels: Int { segmentChannels.reduce(0, +) }
    var outBlocks: Int { blocks(outChannels) }
    var taps: Int { kernel.reduce(1, *) }
    /// LANES of `conv3d`: channels of a planar output that are made at once; 0: the output is blocked.
    public var lanes: Int { outputIsPlanar ? min(8, outChannels) : 0 }
    /// Outputs, or those of one residue of a transposed convolution.
    var positions: [Int] {
      isTransposed ? zip(outExtent, stride).map { ($0 + $1 - 1) / $1 } : outExtent
    }
  }

  /// The algorithm, by the shape alone, with the tile that was measured on the device, else the model's.
  public static func choose(_ shape: Shape, device: DeviceDescription) -> ConvolutionTiling {
    let untuned = untuned(shape, device: device)
    guard !device.tuning.choices.isEmpty, let choice = device.tuning.choices[untuned.key(shape)] else { return untuned }
    return untuned.changed(to: choice, shape, device: device) ?? untuned
  }

  static func untuned(_ shape: Shape, device: DeviceDescription) -> ConvolutionTiling {
    if shape.allowsWinograd, let winograd = WinogradTiling.choose(shape, device: device) { return winograd }
    return DirectTiling.choose(shape, device: device)
  }

  /// Whether the kernel leaves the statistics that a norm wants, of rows of outputs or Winograd's tiles.
  public func leavesStatistics(_ s: Shape) -> Bool {
    switch algorithm {
    case .direct: DirectTiling.leavesStatistics(s)
    case .winograd(let m, _, _): s.wantsStatistics && !(s.isTransposed && m == 5)
    }
  }

  /// Groups for `tasks` equal tasks: several for each unit where memory is no matter, so that a unit that is
  /// slowed down takes fewer.
  static func groups(tasks: Int, device: DeviceDescription) -> Int {
    let units = max(1, device.computeUnits)
    return max(1, min(tasks, units <= 4 ? 4 * units : units <= 16 ? 2 * units : units))
  }
}

/// Channel blocks of 16.
func blocks(_ channels: Int) -> Int { (channels + 15) / 16 }
