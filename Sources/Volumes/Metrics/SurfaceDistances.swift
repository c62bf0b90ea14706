/// Distances between the surfaces of two masks on one grid, in mm.
///
/// Surface: the mask's voxels with a face neighbour outside (mask & ~erosion with the 6-neighbourhood; beyond
/// the volume is outside). Distance: between voxel centres, to the nearest surface voxel of the other mask.
/// The same definition as MONAI's `compute_hausdorff_distance` and `compute_average_surface_distance`.
struct SurfaceDistances {
  /// From each surface voxel of the prediction to the reference's surface, and the other way round.
  let predictionToReference: [Double]
  let referenceToPrediction: [Double]

  /// Both masks have a voxel.
  init(
    prediction: LabelMask, reference: LabelMask, spacingInMillimetres spacing: SIMD3<Double>
  ) {
    let predictionSurface = prediction.surface
    let referenceSurface = reference.surface
    func distances(from origin: [UInt8], to target: [UInt8]) -> [Double] {
      let squared = squaredDistanceTransform(
        to: target, size: prediction.size, spacingInMillimetres: spacing)
      return zip(origin, squared).compactMap { $0 != 0 ? $1.squareRoot() : nil }
    }
    predictionToReference = distances(from: predictionSurface, to: referenceSurface)
    referenceToPrediction = distances(from: referenceSurface, to: predictionSurface)
  }

  /// The larger of the two directed 95th percentiles.
  var hausdorff95: Double {
    max(percentile(predictionToReference, 0.95), percentile(referenceToPrediction, 0.95))
  }

  /// The mean over the surface voxels of both masks together (average symmetric surface distance).
  var symmetricAverage: Double {
    (predictionToReference.reduce(0, +) + referenceToPrediction.reduce(0, +))
      / Double(predictionToReference.count + referenceToPrediction.count)
  }
}

/// The value below which `fraction` of the values lie, linear between order statistics (NumPy's default).
func percentile(_ values: [Double], _ fraction: Double) -> Double {
  precondition(!values.isEmpty, "internal: no values have no percentile")
  let sorted = values.sorted()
  let position = fraction * Double(sorted.count - 1)
  let low = Int(position.rounded(.down))
  let high = min(low + 1, sorted.count - 1)
  return sorted[low] + (position - Double(low)) * (sorted[high] - sorted[low])
}
