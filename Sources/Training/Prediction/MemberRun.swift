import Volumes

/// One member of an ensemble on one scan: its prepared channels, its windows and its way back.
struct MemberRun {
  let member: PredictionMember
  let channels: [Volume]
  let geometry: MemberGeometry

  /// - Parameter upright: the scan's channels on a RAS+ grid.
  init(_ member: PredictionMember, upright: [Volume]) throws {
    guard upright.count == member.network.channelCount else {
      throw PredictionError(
        "the scan has \(upright.count) channels, the network takes \(member.network.channelCount)")
    }
    self.member = member
    let prepared = try member.preprocessing.prepare(upright, inPrediction: true)
    channels = prepared.channels
    geometry = try MemberGeometry(member, prepared: prepared.extent, upright: upright[0].grid.size)
  }

  /// Hands over each original slice of the band: its index, its rows, its columns, and classes × rows ×
  /// columns probabilities.
  func callAsFunction(
    _ band: Range<Int>, done: (Int) -> Void,
    emit: (Int, Range<Int>, Range<Int>, UnsafeBufferPointer<Float>) throws -> Void
  ) throws {
    guard let (rows, prepared) = geometry.rows(band) else { return }
    let (axes, window) = (geometry.axes, geometry.window)
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
