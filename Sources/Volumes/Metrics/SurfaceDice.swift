/// The share of both surfaces' area that lies within `toleranceInMillimetres` of the other surface.
///
/// Surface: marching-cubes elements on the lattice of voxel corners, weighted by their area; distance:
/// between lattice points; at the tolerance counts as within. The definition of DeepMind's `surface-distance`,
/// `compute_surface_dice_at_tolerance` (Nikolov et al., "Deep learning to achieve clinically applicable
/// segmentation of head and neck anatomy", 2018). One mask empty: 0. Both empty: nil.
func surfaceDice(
  prediction: LabelMask, reference: LabelMask, spacingInMillimetres spacing: SIMD3<Double>,
  toleranceInMillimetres tolerance: Double
) -> Double? {
  let latticeSize = prediction.size &+ 1
  let areas = SurfelAreas(spacingInMillimetres: spacing).areas
  let predictionCodes = prediction.neighbourhoodCodes
  let referenceCodes = reference.neighbourhoodCodes

  func areaSums(of codes: [UInt8], near other: [UInt8]) -> (within: Double, all: Double) {
    let border = other.map { $0 != 0 && $0 != 255 ? UInt8(1) : 0 }
    let squared = squaredDistanceTransform(
      to: border, size: latticeSize, spacingInMillimetres: spacing)
    var within = 0.0
    var all = 0.0
    for (code, squaredDistance) in zip(codes, squared) where code != 0 && code != 255 {
      all += areas[Int(code)]
      if squaredDistance.squareRoot() <= tolerance { within += areas[Int(code)] }
    }
    return (within, all)
  }
  let fromPrediction = areaSums(of: predictionCodes, near: referenceCodes)
  let fromReference = areaSums(of: referenceCodes, near: predictionCodes)
  let all = fromPrediction.all + fromReference.all
  return all > 0 ? (fromPrediction.within + fromReference.within) / all : nil
}

extension LabelMask {
  /// For each corner of the voxels, (size + 1) of them, which of the eight voxels around it are inside: the
  /// voxel at offset (−1, −1, −1) is bit 7, (−1, −1, 0) bit 6, … (0, 0, 0) bit 0.
  fileprivate var neighbourhoodCodes: [UInt8] {
    let lattice = size &+ 1
    var codes = [UInt8](repeating: 0, count: lattice.voxelCount)
    voxels.withUnsafeBufferPointer { mask in
      codes.withUnsafeMutableBufferPointer { codes in
        for z in 0..<size.z {
          for y in 0..<size.y {
            for x in 0..<size.x where mask[x + size.x * (y + size.y * z)] != 0 {
              for corner in 0..<8 {
                // The voxel lies at offset (dx − 1, dy − 1, dz − 1) of the corner at + (1 − dx, …).
                let (dx, dy, dz) = (corner >> 2, corner >> 1 & 1, corner & 1)
                let index = (x + 1 - dx) + lattice.x * ((y + 1 - dy) + lattice.y * (z + 1 - dz))
                codes[index] |= UInt8(1) << UInt8(7 - corner)
              }
            }
          }
        }
      }
    }
    return codes
  }
}
