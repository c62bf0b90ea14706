/// Where the voxel centres of a target axis lie on a source axis, in source voxels.
struct AxisMapping: Sendable, Equatable {
  var sourceCount: Int
  var targetCount: Int
  /// Source position of target voxel i: scale · i + offset.
  var scale: Double
  var offset: Double

  /// Both axes over the same extent: (i + ½) · n/m − ½.
  init(sourceCount: Int, targetCount: Int) {
    self.sourceCount = sourceCount
    self.targetCount = targetCount
    scale = Double(sourceCount) / Double(targetCount)
    offset = 0.5 * scale - 0.5
  }

  init(sourceCount: Int, targetCount: Int, scale: Double, offset: Double) {
    self.sourceCount = sourceCount
    self.targetCount = targetCount
    self.scale = scale
    self.offset = offset
  }

  func position(_ target: Int) -> Double { scale * Double(target) + offset }

  var isIdentity: Bool { sourceCount == targetCount && scale == 1 && offset == 0 }

  /// The three mappings from a target grid onto a source grid whose axes run in the same directions.
  ///
  /// - Throws: `VolumeError` where an axis of one grid is not parallel to the same axis of the other.
  static func mappings(
    from source: VolumeGrid, onto target: VolumeGrid
  ) throws(VolumeError) -> [AxisMapping] {
    let inverse = source.affine.inverse
    let linear = Affine(columns: inverse.columns, translation: .zero)
    let origin = inverse(target.affine.translation)
    var result: [AxisMapping] = []
    for axis in 0..<3 {
      let step = linear(target.affine.column(axis))
      for other in 0..<3 where other != axis {
        // Over the whole axis, the drift sideways must stay below a hundredth of a voxel.
        guard abs(step[other]) * Double(target.size[axis]) <= 0.01 else {
          throw VolumeError(
            "target grid",
            "its axis \(axis + 1) is not parallel to the source's; resampling is along axes only")
        }
      }
      guard step[axis] > 0 else {
        throw VolumeError("target grid", "its axis \(axis + 1) runs against the source's; reorient it first")
      }
      var mapping = AxisMapping(
        sourceCount: source.size[axis], targetCount: target.size[axis], scale: step[axis],
        offset: origin[axis])
      // Affines carry rounding; where they mean the same extent, the exact ratio is used, so that ties of
      // nearest and the way back do not hang on the last bits.
      let exact = AxisMapping(sourceCount: source.size[axis], targetCount: target.size[axis])
      let last = Double(max(target.size[axis] - 1, 1))
      if abs(mapping.offset - exact.offset) < 1e-4, abs(mapping.scale - exact.scale) * last < 1e-4 {
        mapping = exact
      }
      result.append(mapping)
    }
    return result
  }
}
