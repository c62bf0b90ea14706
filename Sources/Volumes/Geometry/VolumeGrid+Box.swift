extension VolumeGrid {
  /// The grid of a box of voxels; it may reach outside this one.
  public func box(origin: SIMD3<Int>, size: SIMD3<Int>) -> VolumeGrid {
    var affine = affine
    affine.translation = affine(SIMD3<Double>(origin))
    return VolumeGrid(size: size, affine: affine)
  }

  /// Where a box of `newSize` voxels about the centre begins; negative where it is the larger one.
  ///
  /// Where the difference is odd, the extra voxel is cut from, or added to, the low end: TorchIO's `CropOrPad`.
  public func centredOrigin(of newSize: SIMD3<Int>) -> SIMD3<Int> {
    var origin = SIMD3<Int>.zero
    for axis in 0..<3 {
      let difference = size[axis] - newSize[axis]
      origin[axis] = difference >= 0 ? (difference + 1) / 2 : -((1 - difference) / 2)
    }
    return origin
  }
}

extension Volume {
  /// The box of `size` voxels whose first one is voxel `origin` of this volume; `outside` where there is none.
  public func box(origin: SIMD3<Int>, size: SIMD3<Int>, outside: Float) -> Volume {
    let target = grid.box(origin: origin, size: size)
    return Volume(grid: target, voxels: boxed(voxels, grid.size, origin, size, outside))
  }
}

extension LabelVolume {
  /// The box of `size` voxels whose first one is voxel `origin` of this map; `outside` where there is none.
  public func box(origin: SIMD3<Int>, size: SIMD3<Int>, outside: Int32) -> LabelVolume {
    let target = grid.box(origin: origin, size: size)
    return LabelVolume(grid: target, voxels: boxed(voxels, grid.size, origin, size, outside))
  }
}

private func boxed<Voxel: BitwiseCopyable>(
  _ voxels: [Voxel], _ sourceSize: SIMD3<Int>, _ origin: SIMD3<Int>, _ size: SIMD3<Int>, _ outside: Voxel
) -> [Voxel] {
  [Voxel](unsafeUninitializedCapacity: size.voxelCount) { out, count in
    let target = UnsafeMutableBufferPointer(rebasing: out[0..<size.voxelCount])
    voxels.withUnsafeBufferPointer {
      copyBox(from: $0, sourceSize: sourceSize, origin: origin, size: size, outside: outside, to: target)
    }
    count = size.voxelCount
  }
}
