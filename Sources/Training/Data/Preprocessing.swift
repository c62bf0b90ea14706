import Volumes

/// A recipe's preprocessing with the statistics that it needs: the same for training and prediction.
public struct Preprocessing: Sendable, Equatable {
  public var steps: [PreprocessingStep]
  /// Of the training cases' foreground, one a channel; empty where no step asks.
  public var statistics: [ForegroundStatistics]

  public init(steps: [PreprocessingStep], statistics: [ForegroundStatistics] = []) {
    self.steps = steps
    self.statistics = statistics
  }

  /// Whether statistics of training cases are needed before it can run.
  public static func needsStatistics(_ steps: [PreprocessingStep]) -> Bool {
    steps.contains(.normalise(.ctForeground))
  }

  /// The grid that a scan's has become behind all steps, crops left out (they depend on the voxels): none is larger.
  ///
  /// - Throws: `VolumeError` where a spacing makes an impossible grid.
  public func largestGrid(of grid: VolumeGrid) throws(VolumeError) -> VolumeGrid {
    var grid = grid
    for case .resample(let spacing, _) in steps {
      grid = try grid.resampled(toSpacing: Self.wanted(spacing, of: grid))
    }
    return grid
  }

  /// Millimetres a voxel; along axes where none are asked for, the grid's own.
  private static func wanted(_ spacing: SIMD3<Double>, of grid: VolumeGrid) -> SIMD3<Double> {
    spacing.replacing(with: grid.spacingInMillimetres, where: spacing .<= 0)
  }

  /// The channels of one case, on one RAS grid, as the network sees them. The result's grid says where they
  /// lie: a crop moves its origin, a resampling changes its spacing. What lies outside a crop is background.
  ///
  /// - Throws: `VolumeError` where a spacing makes an impossible grid.
  public func callAsFunction(_ channels: [Volume]) throws(VolumeError) -> [Volume] {
    var channels = channels
    for step in steps {
      switch step {
      case .cropNonZero: channels = Self.cropped(channels)
      case .normalise(let rule):
        for index in channels.indices {
          switch rule {
          case .fixed(let normalisation): channels[index] = normalisation(channels[index])
          case .ctForeground:
            precondition(index < statistics.count, "internal: no statistics of channel \(index)")
            channels[index] = statistics[index].ctNormalisation(channels[index])
          }
        }
      case .resample(let spacing, let method):
        for index in channels.indices {
          let wanted = Self.wanted(spacing, of: channels[index].grid)
          channels[index] = try channels[index].resampled(toSpacing: wanted, method: method)
        }
      }
    }
    return channels
  }

  /// The box of voxels that are not 0 in any channel; the whole volume where all are 0.
  private static func cropped(_ channels: [Volume]) -> [Volume] {
    let n = channels[0].grid.size
    var low = n
    var high = SIMD3<Int>(repeating: -1)
    for channel in channels {
      channel.voxels.withUnsafeBufferPointer { v in
        var index = 0
        for z in 0..<n.z {
          for y in 0..<n.y {
            for x in 0..<n.x {
              if v[index] != 0 {
                low = SIMD3(min(low.x, x), min(low.y, y), min(low.z, z))
                high = SIMD3(max(high.x, x), max(high.y, y), max(high.z, z))
              }
              index += 1
            }
          }
        }
      }
    }
    guard high.x >= 0, low != .zero || high != n &- 1 else { return channels }
    let size = high &- low &+ 1
    return channels.map { channel in
      var affine = channel.grid.affine
      affine.translation = affine(SIMD3<Double>(low))
      var voxels: [Float] = []
      voxels.reserveCapacity(size.x * size.y * size.z)
      channel.voxels.withUnsafeBufferPointer { v in
        for z in low.z...high.z {
          for y in low.y...high.y {
            let row = n.x * (y + n.y * z)
            voxels.append(contentsOf: v[row + low.x...row + high.x])
          }
        }
      }
      return Volume(grid: VolumeGrid(size: size, affine: affine), voxels: voxels)
    }
  }
}
