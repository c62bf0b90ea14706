/// The mean of a network's predictions over all mirrored copies of one window, each mirrored back.
///
/// - Parameters:
///   - voxels: C×D×H×W.
///   - axes: the axes that training mirrored; 2^n passes.
///   - predict: from C×D×H×W to `classCount`×D×H×W.
public func mirroredPrediction(
  of voxels: [Float], size: SIMD3<Int>, channelCount: Int, classCount: Int, axes: MirrorAxes,
  predict: ([Float]) throws -> [Float]
) rethrows -> [Float] {
  var mean = try predict(voxels)
  let passes = axes.subsets
  for pass in passes.dropFirst() {
    var mirrored = voxels
    mirror(&mirrored, size: size, channelCount: channelCount, axes: pass)
    var prediction = try predict(mirrored)
    mirror(&prediction, size: size, channelCount: classCount, axes: pass)
    mean.withUnsafeMutableBufferPointer { mean in
      prediction.withUnsafeBufferPointer { prediction in
        for index in 0..<mean.count { mean[index] += prediction[index] }
      }
    }
  }
  if passes.count > 1 {
    let share = 1 / Float(passes.count)
    for index in mean.indices { mean[index] *= share }
  }
  return mean
}
