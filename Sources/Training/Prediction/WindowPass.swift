import Volumes

/// Runs a member's network over windows of a prepared volume, `batch` at a time, mirrored passes included.
struct WindowPass {
  let member: PredictionMember
  /// On one grid, as the network sees them.
  let channels: [Volume]
  /// One a channel.
  private let outsideValues: [Float]

  init(member: PredictionMember, channels: [Volume]) {
    self.member = member
    self.channels = channels
    outsideValues = channels.enumerated().map { number, channel in
      member.outside == .minimum
        ? channel.voxels.reduce(.infinity) { $1 < $0 ? $1 : $0 } : member.paddingValue(number)
    }
  }

  /// Hands each window's probabilities (classes×D×H×W) over, in the order of `origins`.
  func callAsFunction(
    _ origins: [SIMD3<Int>], done: (Int) -> Void,
    emit: (UnsafeBufferPointer<Float>, SIMD3<Int>) throws -> Void
  ) throws {
    let network = member.network
    let passes = member.mirror.subsets
    let (inputCount, outputCount) = (network.channelCount * network.inputVoxels, network.classCount * network.voxels)
    let jobs = origins.count * passes.count
    // Slots that a last, smaller batch leaves over keep their old content: samples do not see each other.
    var input = [Float](repeating: 0, count: network.batch * inputCount)
    var mean = [Float](repeating: 0, count: passes.count > 1 ? outputCount : 0)
    for first in stride(from: 0, to: jobs, by: network.batch) {
      let batch = first..<min(jobs, first + network.batch)
      for job in batch {
        var window = self.window(at: origins[job / passes.count])
        mirror(
          &window, size: network.inputSize, channelCount: network.channelCount, axes: passes[job % passes.count])
        let place = (job - first) * inputCount
        input.replaceSubrange(place..<place + inputCount, with: window)
      }
      let output = try network.forward(input)
      guard output.count == network.batch * outputCount else {
        throw PredictionError(
          "the network gave \(output.count) values, expected \(network.batch * outputCount)")
      }
      for job in batch {
        let place = (job - first) * outputCount
        let origin = origins[job / passes.count]
        try output.withUnsafeBufferPointer { all in
          let values = UnsafeBufferPointer(rebasing: all[place..<place + outputCount])
          try requireFinite(values)
          if passes.count == 1 { return try emit(values, origin) }
          let pass = job % passes.count
          add(values, mirrored: passes[pass], to: &mean, restarting: pass == 0)
          guard pass == passes.count - 1 else { return }
          let share = 1 / Float(passes.count)
          mean.withUnsafeMutableBufferPointer { m in for i in m.indices { m[i] *= share } }
          try mean.withUnsafeBufferPointer { try emit($0, origin) }
        }
      }
      done(batch.upperBound / passes.count)
    }
  }

  private func add(
    _ values: UnsafeBufferPointer<Float>, mirrored axes: MirrorAxes, to mean: inout [Float], restarting: Bool
  ) {
    var values = Array(values)
    mirror(&values, size: member.network.patch, channelCount: member.network.classCount, axes: axes)
    if restarting {
      mean = values
      return
    }
    mean.withUnsafeMutableBufferPointer { m in
      values.withUnsafeBufferPointer { v in for i in m.indices { m[i] += v[i] } }
    }
  }

  private func requireFinite(_ values: UnsafeBufferPointer<Float>) throws {
    var sum: Float = 0
    for value in values { sum += value }
    guard sum.isFinite else {
      throw PredictionError("the network's probabilities are not finite; did its training diverge?")
    }
  }

  private func clamped(_ index: Int, _ count: Int) -> Int { min(max(index, 0), count - 1) }

  /// The C×D×H×W input for the patch at `origin`, which may reach outside; there the padding value stands.
  private func window(at patchOrigin: SIMD3<Int>) -> [Float] {
    let patch = member.network.inputSize
    let origin = patchOrigin &- member.network.margin
    let size = channels[0].grid.size
    let voxels = patch.x * patch.y * patch.z
    return [Float](unsafeUninitializedCapacity: channels.count * voxels) { out, count in
      for (number, channel) in channels.enumerated() {
        let base = number * voxels
        out[base..<base + voxels].initialize(repeating: outsideValues[number])
        if member.outside == .border {
          channel.voxels.withUnsafeBufferPointer { source in
            for z in 0..<patch.z {
              for y in 0..<patch.y {
                let row = size.x * (clamped(origin.y + y, size.y) + size.y * clamped(origin.z + z, size.z))
                let to = base + patch.x * (y + patch.y * z)
                for x in 0..<patch.x { out[to + x] = source[row + clamped(origin.x + x, size.x)] }
              }
            }
          }
          continue
        }
        let xs = max(0, -origin.x)..<max(0, -origin.x, min(patch.x, size.x - origin.x))
        channel.voxels.withUnsafeBufferPointer { source in
          for z in 0..<patch.z where origin.z + z >= 0 && origin.z + z < size.z {
            for y in 0..<patch.y where origin.y + y >= 0 && origin.y + y < size.y {
              let from = origin.x + size.x * (origin.y + y + size.y * (origin.z + z))
              let to = base + patch.x * (y + patch.y * z)
              for x in xs { out[to + x] = source[from + x] }
            }
          }
        }
      }
      count = channels.count * voxels
    }
  }
}
