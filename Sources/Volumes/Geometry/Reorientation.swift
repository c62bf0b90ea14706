/// A permutation and flips of stored axes, from one grid onto another: no value is computed, none is lost.
///
/// It holds both grids, so that the way back lands on the original grid bit for bit.
public struct Reorientation: Sendable, Equatable {
  public private(set) var sourceGrid: VolumeGrid
  public private(set) var targetGrid: VolumeGrid
  /// For each axis of the target: the source axis that it reads.
  public private(set) var sourceAxes: [Int]
  /// For each axis of the target: whether it reads that source axis backwards.
  public private(set) var isFlipped: [Bool]

  /// The change that makes a grid's axes run to R, A and S as nearly as permuting and flipping can.
  public init(toRAS grid: VolumeGrid) {
    let orientation = Orientation(of: grid.affine)
    var sourceAxes = [0, 0, 0]
    var isFlipped = [false, false, false]
    for stored in 0..<3 {
      sourceAxes[orientation.worldAxes[stored]] = stored
      isFlipped[orientation.worldAxes[stored]] = !orientation.isPositive[stored]
    }
    var columns: [SIMD3<Double>] = []
    var translation = grid.affine.translation
    var size = SIMD3<Int>.zero
    for axis in 0..<3 {
      let source = sourceAxes[axis]
      let column = grid.affine.column(source)
      size[axis] = grid.size[source]
      columns.append(isFlipped[axis] ? -column : column)
      // The first voxel of a flipped axis is the last one of the source.
      if isFlipped[axis] { translation += column * Double(grid.size[source] - 1) }
    }
    self.sourceGrid = grid
    self.targetGrid = VolumeGrid(
      size: size, affine: Affine(columns: (columns[0], columns[1], columns[2]), translation: translation))
    self.sourceAxes = sourceAxes
    self.isFlipped = isFlipped
  }

  /// The way back.
  public var inverse: Reorientation {
    var result = self
    swap(&result.sourceGrid, &result.targetGrid)
    for axis in 0..<3 {
      result.sourceAxes[sourceAxes[axis]] = axis
      result.isFlipped[sourceAxes[axis]] = isFlipped[axis]
    }
    return result
  }

  public var isIdentity: Bool { sourceAxes == [0, 1, 2] && !isFlipped.contains(true) }

  /// Moves voxels of the source grid to their places in the target grid; linear in their number.
  public func callAsFunction<Element>(_ voxels: [Element]) -> [Element] {
    precondition(voxels.count == sourceGrid.count, "internal: voxels are not on the reorientation's grid")
    if isIdentity { return voxels }
    let n = sourceGrid.size
    let sourceStrides = [1, n.x, n.x * n.y]
    let m = targetGrid.size
    var strides = [0, 0, 0]
    var start = 0
    for axis in 0..<3 {
      let stride = sourceStrides[sourceAxes[axis]]
      strides[axis] = isFlipped[axis] ? -stride : stride
      if isFlipped[axis] { start += stride * (m[axis] - 1) }
    }
    let (sx, sy, sz) = (strides[0], strides[1], strides[2])
    return voxels.withUnsafeBufferPointer { source in
      [Element](unsafeUninitializedCapacity: voxels.count) { target, count in
        var to = 0
        for z in 0..<m.z {
          for y in 0..<m.y {
            var from = start + y * sy + z * sz
            for _ in 0..<m.x {
              (target.baseAddress! + to).initialize(to: source[from])
              to += 1
              from += sx
            }
          }
        }
        count = to
      }
    }
  }

  /// The volume on the target grid.
  public func callAsFunction(_ volume: Volume) -> Volume {
    Volume(grid: targetGrid, voxels: self(volume.voxels))
  }

  /// The label map on the target grid.
  public func callAsFunction(_ labels: LabelVolume) -> LabelVolume {
    LabelVolume(grid: targetGrid, voxels: self(labels.voxels))
  }
}

extension Volume {
  /// This volume with axes along R, A and S, and the change that led there; `reorientation.inverse` undoes
  /// it.
  public func reorientedToRAS() -> (volume: Volume, reorientation: Reorientation) {
    let reorientation = Reorientation(toRAS: grid)
    return (reorientation(self), reorientation)
  }
}

extension LabelVolume {
  /// This label map with axes along R, A and S, and the change that led there.
  public func reorientedToRAS() -> (labels: LabelVolume, reorientation: Reorientation) {
    let reorientation = Reorientation(toRAS: grid)
    return (reorientation(self), reorientation)
  }
}
