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

  /// A case as the network sees it. The grids say where it lies in the world, `extent` where on the scan.
  public struct Prepared: Sendable {
    public var channels: [Volume]
    /// Padding carries `ignoreLabel`: it counts in no loss.
    public var labels: LabelVolume?
    public var extent: PreparedExtent
  }

  /// The channels of a scan that is to be predicted, on one RAS grid, as the network sees them.
  ///
  /// - Throws: `VolumeError` where a crop leaves nothing or a spacing makes an impossible grid.
  public func callAsFunction(_ channels: [Volume]) throws(VolumeError) -> [Volume] {
    try prepare(channels, inPrediction: true).channels
  }

  /// All steps in their order, on channels and labels alike.
  ///
  /// - Parameters:
  ///   - channels: of one case, on one RAS grid.
  ///   - labels: class indices on the same grid.
  /// - Throws: `VolumeError` where a crop leaves nothing or a spacing makes an impossible grid.
  public func prepare(
    _ channels: [Volume], labels: LabelVolume? = nil, inPrediction: Bool
  ) throws(VolumeError) -> Prepared {
    var result = Prepared(channels: channels, labels: labels, extent: PreparedExtent(channels[0].grid.size))
    for step in steps {
      let grid = result.channels[0].grid
      let change =
        step == .cropNonZero
        ? GridChange(nonZeroBox(result.channels)) : try step.change(of: grid, inPrediction: inPrediction)
      switch (step, change) {
      case (.normalise(let rule), _): normalise(&result.channels, rule)
      case (.resample(let settings), .resample(let size)?):
        let target = grid.resampled(toSize: size)
        for index in result.channels.indices {
          result.channels[index] = try result.channels[index].resampled(
            onto: target, method: settings.image, isAntialiased: settings.antialias)
        }
        result.labels = try result.labels?.resampled(onto: target, method: settings.labels)
        result.extent.resample(to: size)
      case (_, .box(let origin, let size)?):
        guard origin != .zero || size != grid.size else { continue }
        for index in result.channels.indices {
          result.channels[index] = result.channels[index].box(
            origin: origin, size: size, outside: Self.padding(step, result.channels[index]))
        }
        result.labels = result.labels?.box(origin: origin, size: size, outside: ignoreLabel)
        result.extent.box(origin: origin, size: size)
      default: break
      }
    }
    return result
  }

  private func normalise(_ channels: inout [Volume], _ rule: NormalisationRule) {
    for index in channels.indices {
      switch rule {
      case .fixed(let normalisation): normalisation.apply(to: &channels[index].voxels)
      case .ctForeground:
        precondition(index < statistics.count, "internal: no statistics of channel \(index)")
        statistics[index].ctNormalisation.apply(to: &channels[index].voxels)
      }
    }
  }

  private static func padding(_ step: PreprocessingStep, _ channel: Volume) -> Float {
    guard case .cropOrPad(let settings) = step else { return 0 }
    switch settings.padding {
    case .value(let value): return Float(value)
    case .minimum: return channel.voxels.min() ?? 0
    }
  }
}
