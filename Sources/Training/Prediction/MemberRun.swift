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

  /// The rows of a band that this member has values for, and the prepared rows behind them; nil where none.
  private func rows(_ band: Range<Int>) -> (original: Range<Int>, prepared: Range<Int>)? {
    let rows = axes[1].inside.clamped(to: band)
    guard !rows.isEmpty, !axes[0].inside.isEmpty, !axes[2].inside.isEmpty else { return nil }
    return (rows, axes[1].prepared(for: rows))
  }

  func windowCount(_ band: Range<Int>) -> Int {
    rows(band).map { window.origins(touchingRows: $0.prepared).count } ?? 0
  }

  /// The box of original voxels within a band that this member has values for.
  func inside(_ band: Range<Int>) -> (x: Range<Int>, y: Range<Int>, z: Range<Int>) {
    (axes[0].inside, axes[1].inside.clamped(to: band), axes[2].inside)
  }

  /// Bytes that blending a band holds.
  func bytes(_ band: Range<Int>) -> Int {
    guard let rows = rows(band) else { return 0 }
    let classes = member.network.classCount
    return ProbabilityAccumulator.sizeInBytes(
      window: window, classCount: classes, rowCount: rows.prepared.count)
      + 3 * 4 * classes * rows.original.count * axes[0].inside.count
  }

  /// Hands over each original slice of the band: its index, its rows, its columns, and classes × rows ×
  /// columns probabilities.
  func callAsFunction(
    _ band: Range<Int>, done: (Int) -> Void,
    emit: (Int, Range<Int>, Range<Int>, UnsafeBufferPointer<Float>) throws -> Void
  ) throws {
    guard let (rows, prepared) = rows(band) else { return }
    let columns = axes[0].inside
    var slices = ReturnedSlices(
      x: axes[0], y: axes[1], z: axes[2], classCount: member.network.classCount, rows: rows,
      preparedWidth: window.volumeSize.x)
    var blend = ProbabilityAccumulator(
      window: window, classCount: member.network.classCount, rows: prepared)
    let pass = WindowPass(member: member, channels: channels)
    func forward(_ slice: ProbabilitySlice) throws {
      try slices.add(slice) { try emit($0, rows, columns, $1) }
    }
    try pass(window.origins(touchingRows: prepared), done: done) { probabilities, origin in
      try blend.add(probabilities, origin: origin, emit: forward)
    }
    try blend.finish(emit: forward)
  }
}
