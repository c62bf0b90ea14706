import Volumes

/// One member of an ensemble on one scan: its prepared channels, its windows and its way back.
struct MemberRun {
  let member: PredictionMember
  let channels: [Volume]
  let window: SlidingWindow
  let axes: [AxisReturn]

  /// - Parameter upright: the scan's channels on a RAS+ grid.
  init(_ member: PredictionMember, upright: [Volume]) throws {
    guard upright.count == member.network.channelCount else {
      throw PredictionError(
        "the scan has \(upright.count) channels, the network takes \(member.network.channelCount)")
    }
    self.member = member
    channels = try member.preprocessing(upright)
    window = try SlidingWindow(
      volumeSize: channels[0].grid.size, patchSize: member.network.patch, overlap: member.overlap)
    axes = AxisReturn.axes(from: channels[0].grid, onto: upright[0].grid)
  }

  private func slices(_ band: Range<Int>) -> ReturnedSlices? {
    ReturnedSlices(
      x: axes[0], y: axes[1], z: axes[2], classCount: member.network.classCount, band: band,
      preparedWidth: window.volumeSize.x)
  }

  func windowCount(_ band: Range<Int>) -> Int {
    slices(band).map { window.origins(touchingRows: $0.preparedRows).count } ?? 0
  }

  /// The box of original voxels within a band that this member has values for.
  func inside(_ band: Range<Int>) -> (x: Range<Int>, y: Range<Int>, z: Range<Int>) {
    (axes[0].inside, axes[1].inside.clamped(to: band), axes[2].inside)
  }

  /// Bytes that blending a band holds.
  func bytes(_ band: Range<Int>) -> Int {
    guard let slices = slices(band) else { return 0 }
    let classes = member.network.classCount
    return ProbabilityAccumulator.sizeInBytes(
      window: window, classCount: classes, rowCount: slices.preparedRows.count)
      + 3 * 4 * classes * slices.rows.count * axes[0].inside.count
  }

  /// Hands over each original slice of the band: its index, its rows, its columns, and classes × rows × columns
  /// probabilities.
  func callAsFunction(
    _ band: Range<Int>, done: (Int) -> Void,
    emit: (Int, Range<Int>, Range<Int>, UnsafeBufferPointer<Float>) throws -> Void
  ) throws {
    guard var slices = slices(band) else { return }
    let (rows, columns) = (slices.rows, axes[0].inside)
    var blend = ProbabilityAccumulator(
      window: window, classCount: member.network.classCount, rows: slices.preparedRows)
    let pass = WindowPass(member: member, channels: channels)
    func forward(_ slice: ProbabilitySlice) throws {
      try slices.add(slice) { try emit($0, rows, columns, $1) }
    }
    try pass(window.origins(touchingRows: slices.preparedRows), done: done) { probabilities, origin in
      try blend.add(probabilities, origin: origin, emit: forward)
    }
    try blend.finish(emit: forward)
  }
}
