import Volumes

/// What a step does to a grid.
enum GridChange: Equatable {
  /// A box of its voxels; it may reach outside.
  case box(origin: SIMD3<Int>, size: SIMD3<Int>)
  /// Another number of voxels over the same extent.
  case resample(SIMD3<Int>)

  init(_ box: (origin: SIMD3<Int>, size: SIMD3<Int>)) { self = .box(origin: box.origin, size: box.size) }

  var size: SIMD3<Int> {
    switch self {
    case .box(_, let size), .resample(let size): size
    }
  }
}

extension PreprocessingStep {
  /// What this step makes of a grid; nil where it keeps it, or where that depends on the voxels (`cropNonZero`).
  ///
  /// - Throws: `VolumeError` where a crop leaves nothing or a spacing makes an impossible grid.
  func change(of grid: VolumeGrid, inPrediction: Bool) throws(VolumeError) -> GridChange? {
    switch self {
    case .cropNonZero, .normalise: return nil
    case .crop(let ranges):
      var origin = SIMD3<Int>.zero
      var end = grid.size
      for (axis, range) in ranges.axes.enumerated() {
        guard let range else { continue }
        guard range.lowerBound < grid.size[axis] else {
          throw VolumeError(
            "crop", "of voxels \(range.lowerBound) ..< \(range.upperBound) along \(["x", "y", "z"][axis]) leaves "
              + "nothing of \(grid.size[axis])")
        }
        origin[axis] = range.lowerBound
        end[axis] = min(end[axis], range.upperBound)
      }
      return .box(origin: origin, size: end &- origin)
    case .cropOrPad(let step):
      let size = grid.size.replacing(with: step.size, where: step.size .> 0)
      return .box(origin: grid.centredOrigin(of: size), size: size)
    case .resample(let step):
      let wanted = inPrediction ? step.sizeInPrediction ?? step.size : step.size
      let spaced = try grid.resampled(
        toSpacing: grid.spacingInMillimetres.replacing(with: step.spacing, where: step.spacing .> 0))
      return .resample(spaced.size.replacing(with: wanted, where: wanted .> 0))
    }
  }
}

extension VolumeGrid {
  func changed(_ change: GridChange) -> VolumeGrid {
    switch change {
    case .box(let origin, let size): box(origin: origin, size: size)
    case .resample(let size): resampled(toSize: size)
    }
  }
}
