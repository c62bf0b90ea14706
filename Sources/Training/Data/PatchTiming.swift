import Volumes

extension Recipe {
  /// Seconds that one thread takes for a training patch of one case, augmentation included: the mean of a few.
  ///
  /// - Parameters:
  ///   - classes: Of the data, in the network's order.
  ///   - statistics: Of the foreground, one a channel; used where a step asks for them.
  ///   - clock: Seconds of a clock that never goes back.
  /// - Throws: `VolumeError` where the case cannot be read.
  public func secondsPerPatch(
    of files: CaseFiles, classes: ClassMap, channelCount: Int, statistics: [ForegroundStatistics],
    clock: () -> Double
  ) throws(VolumeError) -> Double {
    let patches = 6
    let read = try files.read(channels: channelCount, classes: classes)
    let channels = try Preprocessing(steps: preprocessing, statistics: statistics)(read.channels)
    let labels =
      channels[0].grid == read.labels.grid ? read.labels : try read.labels.resampled(onto: channels[0].grid)
    let source = try PatchSource(name: read.name, channels: channels, labels: labels)
    let sampler = PatchSampler(
      settings: self.sampler.settings(classes: classes.classes), augmentation: augmentation, seed: seed)
    _ = sampler.patch(from: source, sample: 0)
    let start = clock()
    for sample in 1...UInt64(patches) { _ = sampler.patch(from: source, sample: sample) }
    return (clock() - start) / Double(patches)
  }
}
