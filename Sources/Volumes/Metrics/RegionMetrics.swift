/// A union of labels that is measured as one, such as a liver with its lesions.
public struct MetricRegion: Sendable, Equatable {
  public var label: MetricLabel
  public var ids: Set<Int32>

  /// - Parameter label: its id names the region in reports; it need not be among `ids`.
  public init(label: MetricLabel, ids: Set<Int32>) {
    self.label = label
    self.ids = ids
  }
}

extension CaseMetrics {
  /// Compares unions of labels, which may overlap; otherwise as `init(name:prediction:reference:labels:settings:)`.
  ///
  /// - Parameter regions: at least one.
  public init(
    name: String, prediction: LabelVolume, reference: LabelVolume, regions: [MetricRegion],
    settings: EvaluationSettings = EvaluationSettings()
  ) throws(VolumeError) {
    if regions.allSatisfy({ $0.ids == [$0.label.id] }), Set(regions.map(\.label.id)).count == regions.count {
      // Labels as they are need no masks.
      try self.init(
        name: name, prediction: prediction, reference: reference, labels: regions.map(\.label), settings: settings)
      return
    }
    var labels: [LabelMetrics] = []
    for region in regions {
      let metrics = try CaseMetrics(
        name: name, prediction: Self.mask(prediction, region.ids), reference: Self.mask(reference, region.ids),
        labels: [MetricLabel(id: 1, name: region.label.name)], settings: settings)
      for var entry in metrics.labels {
        entry.label = region.label
        labels.append(entry)
      }
    }
    self.init(name: name, labels: labels, settings: settings)
  }

  /// 1 inside, 0 outside; ignored voxels stay negative.
  private static func mask(_ volume: LabelVolume, _ ids: Set<Int32>) -> LabelVolume {
    var volume = volume
    volume.voxels.withUnsafeMutableBufferPointer { voxels in
      // Labels come in runs: one look-up a run.
      var (last, value): (Int32, Int32) = (0, ids.contains(0) ? 1 : 0)
      for index in voxels.indices {
        if voxels[index] != last {
          last = voxels[index]
          value = ids.contains(last) ? 1 : min(last, 0)
        }
        voxels[index] = value
      }
    }
    return volume
  }
}
