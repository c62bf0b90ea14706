import ExecutionPlan

/// How `conv3d_grad_weight` runs. Tile, register block and partitions are functions of the shape alone,
/// because the order of its sums depends on them: a device chooses only how many groups there are.
public struct GradWeightTiling: Sendable, Equatable {
  /// Taps, lanes of A and blocks of B whose sums are in registers at once.
  public var tapsH, tapsW, aLanes, bBlocks: Int
  /// Parts of B's depth rows, each with partial sums of its own.
  public var partitions: Int
  public var tileH, tileW: Int
  /// Floats of the partial sums.
  public var partialFloats: Int
  /// Floats of scratch for each group.
  public var slotFloats: Int
  /// Work-groups to launch.
  public var groups: Int

  /// Extents are [D, H, W]. A is the side that the kernel slides over.
  public struct Shape: Sendable, Equatable {
    public var batch: Int
    /// Whether B's only segment is planar.
    public var bIsPlanar: Bool
    public var aExtent, bExtent, aSegmentChannels, bSegmentChannels, kernel, stride, padding, dilation: [Int]

    public init(
      batch: Int, aExtent: [Int], bExtent: [Int], aSegmentChannels: [Int], bSegmentChannels: [Int],
      kernel: [Int], stride: [Int], padding: [Int], dilation: [Int] = [1, 1, 1], bIsPlanar: Bool = false
    ) {
      self.batch = batch
      self.bIsPlanar = bIsPlanar && bSegmentChannels.count == 1
      self.aExtent = aExtent
      self.bExtent = bExtent
      self.aSegmentChannels = aSegmentChannels
      self.bSegmentChannels = bSegmentChannels
      self.kernel = kernel
      self.stride = stride
      self.padding = padding
      self.dilation = dilation
    }

    var aBlocks: Int { aSegmentChannels.reduce(0) { $0 + blocks($1) } }
    var bBlocks: Int { bSegmentChannels.reduce(0) { $0 + blocks($1) } }
    var taps: Int { kernel.reduce(1, *) }
    /// LANES of `conv3d_grad_weight`: B's channels where they are few planes, whose columns stand in vectors; else 0.
    public var lanes: Int { bIsPlanar && bSegmentChannels[0] <= 8 ? bSegmentChannels[0] : 0 }
  }

  /// Tasks that keep 16 workers busy.
  static let wantedTasks = 32
  /// Floats that a slot may have (320 KiB).
  static let slotBudget = 81_920

  public static func choose(_ shape: Shape, device: DeviceDescription) -> GradWeightTiling {
    var t = GradWeightTiling(
      tapsH: 1, tapsW: 1, aLanes: 1, bBlocks: 1, partitions: 1, tileH: 1, tileW: 1, partialFloats: 0,
      slotFloats: 0, groups: 1)
    _ = t.chooseRegisterBlock(shape)
    t.chooseTile(shape)
    let pairs = shape.aBlocks * ((shape.bBlocks + t.bBlocks - 1) / t.bBlocks)
    t.partitions = max(1, min((wantedTasks + pairs - 1) / pairs, shape.batch * shape.bExtent[0]))
    t.partialFloats = t.partitions * shape.aBlocks * shape.bBlocks * shape.taps * 256
    t.slotFloats = t.slot(shape)
    t.groups = ConvolutionTiling.groups(tasks: t.partitions * pairs, device: device)
    return t
  }

  /// Floats of a slot. The formula of `kernels/conv3d_grad_weight.cl`.
  func slot(_ s: Shape) -> Int {
    let height = (tileH - 1) * s.stride[1] + ((s.kernel[1] + tapsH - 1) / tapsH * tapsH - 1) * s.dilation[1] + 1
    let columns = s.lanes > 0 ? (tileW + 15) / 16 * 16 : tileW
    let width = (columns - 1) * s.stride[2] + ((s.kernel[2] + tapsW - 1) / tapsW * tapsW - 1) * s.dilation[2] + 1
    let staged = ((s.kernel[0] - 1) * s.dilation[0] + 1) * height * width
    if s.lanes > 0 {
      let planes = (min(16, s.aSegmentChannels.max() ?? 1) + aLanes - 1) / aLanes * aLanes
      return DirectTiling.planeFloats(staged) * planes + DirectTiling.planeFloats(tileH * columns) * s.lanes + 16 * width
    }
    return (staged + 31 + tileH * columns * bBlocks + width) * 16
  }

  /// Cycles of one core for the whole sum, with so many for a multiply-add.
  static func cycles(_ s: Shape, multiplyAdd: Double) -> Double {
    var t = GradWeightTiling(
      tapsH: 1, tapsW: 1, aLanes: 1, bBlocks: 1, partitions: 1, tileH: 1, tileW: 1, partialFloats: 0,
      slotFloats: 0, groups: 1)
    let columns = s.lanes > 0 ? (s.bExtent[2] + 15) / 16 * 16 : s.bExtent[2]
    return t.chooseRegisterBlock(s, multiplyAdd: multiplyAdd)
      * Double(s.kernel[0] * s.batch * s.bExtent[0] * s.bExtent[1] * columns)
  }

  /// The block of the least time for a voxel, which is returned, in cycles of a core with 32 vector registers, two
  /// multiply-adds and two vector loads a cycle and four cycles' latency.
  private mutating func chooseRegisterBlock(_ s: Shape, multiplyAdd: Double = 0.5) -> Double {
    if s.lanes > 0 { return choosePlanarBlock(s, multiplyAdd: multiplyAdd) }
    var best = Double.infinity
    for bBlocks in (1...min(3, s.bBlocks)).reversed() {
      for tapsH in 1...min(3, s.kernel[1]) {
        for tapsW in 1...min(4, s.kernel[2]) {
          for aLanes in [1, 2, 4, 8, 16] where tapsH * tapsW * aLanes * bBlocks <= 24 {
            let broadcasts = tapsH * tapsW * aLanes
            let step = max(multiplyAdd * Double(broadcasts * bBlocks), 0.52 * Double(broadcasts + bBlocks), 4)
            let laneGroups = s.aSegmentChannels.reduce(0) { sum, channels in
              sum + channels / 16 * (16 / aLanes) + (channels % 16 + aLanes - 1) / aLanes
            }
            let passes = laneGroups * ((s.bBlocks + bBlocks - 1) / bBlocks)
              * ((s.kernel[1] + tapsH - 1) / tapsH) * ((s.kernel[2] + tapsW - 1) / tapsW)
            let cost = Double(passes) * (step + 0.5)
            guard cost < best * 0.999 else { continue }
            best = cost
            (self.tapsH, self.tapsW, self.aLanes, self.bBlocks) = (tapsH, tapsW, aLanes, bBlocks)
          }
        }
      }
    }
    return best
  }

  /// The same where a vector holds sixteen columns: the lanes' sums are all of B. Every other load meets two cache lines.
  private mutating func choosePlanarBlock(_ s: Shape, multiplyAdd: Double) -> Double {
    var best = Double.infinity
    let load = s.stride[2] == 1 ? 1.5 : 4
    for tapsH in 1...min(3, s.kernel[1]) {
      for tapsW in 1...min(4, s.kernel[2]) {
        for aLanes in [1, 2, 4, 8, 16] where tapsH * tapsW * aLanes * s.lanes <= 24 {
          let loads = tapsH * tapsW * aLanes
          let step = max(multiplyAdd * Double(loads * s.lanes), 0.5 * (Double(loads) * load + Double(s.lanes)), 4)
          let laneGroups = s.aSegmentChannels.reduce(0) { sum, channels in
            sum + channels / 16 * (16 / aLanes) + (channels % 16 + aLanes - 1) / aLanes
          }
          let passes = laneGroups * ((s.kernel[1] + tapsH - 1) / tapsH) * ((s.kernel[2] + tapsW - 1) / tapsW)
          let cost = Double(passes) * (step + 0.5) / 16
          guard cost < best * 0.999 else { continue }
          best = cost
          (self.tapsH, self.tapsW, self.aLanes, self.bBlocks) = (tapsH, tapsW, aLanes, 1)
        }
      }
    }
    return best
  }

  /// Whole rows where they fit, then as many rows as fit, in equal parts.
  private mutating func chooseTile(_ s: Shape) {
    let (rows, columns) = (s.bExtent[1], s.bExtent[2])
    func even(_ extent: Int, _ parts: Int) -> Int { (extent + parts - 1) / parts }
    tileH = 1
    var parts = 1
    repeat {
      tileW = even(columns, parts)
      if s.lanes > 0 && parts > 1 { tileW = (tileW + 15) / 16 * 16 }
      parts += 1
    } while slot(s) > Self.slotBudget && tileW > (s.lanes > 0 ? 16 : 8)
    parts = (rows + 15) / 16
    repeat {
      tileH = even(rows, parts)
      parts += 1
    } while slot(s) > Self.slotBudget && tileH > 1
  }
}
