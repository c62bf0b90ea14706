/// What is computed beside the overlap.
public struct EvaluationSettings: Codable, Sendable, Equatable {
  /// Of surface Dice.
  public var toleranceInMillimetres: Double
  /// HD95, ASSD and surface Dice cost three distance transforms a label and direction; off leaves them nil.
  public var includesSurfaces: Bool

  public init(toleranceInMillimetres: Double = 2, includesSurfaces: Bool = true) {
    self.toleranceInMillimetres = toleranceInMillimetres
    self.includesSurfaces = includesSurfaces
  }
}

/// One case's prediction against its reference.
public struct CaseMetrics: Codable, Sendable, Equatable {
  public var name: String
  public var labels: [LabelMetrics]
  public var toleranceInMillimetres: Double
  /// Which surfaces the distances refer to, in words.
  public var surfaceDefinition: String

  public static let surfaceDefinition =
    "HD95, ASSD: voxels with a face neighbour outside, between voxel centres (MONAI); "
    + "surface Dice: marching-cubes elements weighted by area (surface-distance)"

  /// Compares two label maps on one grid. Voxels whose reference label is negative (ignored) count nowhere.
  /// Spacing is the norms of the reference's affine columns, volume its determinant.
  ///
  /// - Throws: `VolumeError` under `name` where sizes differ, or where a corner of the grids lies more than
  ///   a tenth of a voxel apart in the patient.
  /// - Complexity: O(voxels + labels · voxels of their bounding box).
  public init(
    name: String, prediction: LabelVolume, reference: LabelVolume, labels: [MetricLabel],
    settings: EvaluationSettings = EvaluationSettings()
  ) throws(VolumeError) {
    try Self.checkGrids(name, prediction.grid, reference.grid)
    let overlaps = LabelOverlaps(
      prediction: prediction, reference: reference, labels: labels.map(\.id))
    let spacing = reference.grid.spacingInMillimetres
    let voxelInMillilitres = reference.grid.affine.voxelVolume / 1000
    self.name = name
    toleranceInMillimetres = settings.toleranceInMillimetres
    surfaceDefinition = Self.surfaceDefinition
    self.labels = zip(labels, overlaps.byLabel).map { label, overlap in
      var metrics = LabelMetrics(label: label, overlap: overlap, voxelInMillilitres: voxelInMillilitres)
      guard settings.includesSurfaces, !overlap.box.isEmpty else { return metrics }
      let predicted = LabelMask(label.id, of: prediction, isCounted: reference, box: overlap.box)
      let referred = LabelMask(label.id, of: reference, isCounted: reference, box: overlap.box)
      if overlap.prediction > 0 && overlap.reference > 0 {
        let distances = SurfaceDistances(
          prediction: predicted, reference: referred, spacingInMillimetres: spacing)
        metrics.hd95InMillimetres = distances.hausdorff95
        metrics.assdInMillimetres = distances.symmetricAverage
      }
      metrics.surfaceDice = Volumes.surfaceDice(
        prediction: predicted, reference: referred, spacingInMillimetres: spacing,
        toleranceInMillimetres: settings.toleranceInMillimetres)
      return metrics
    }
  }

  init(name: String, labels: [LabelMetrics], settings: EvaluationSettings) {
    self.name = name
    self.labels = labels
    toleranceInMillimetres = settings.toleranceInMillimetres
    surfaceDefinition = Self.surfaceDefinition
  }

  private static func checkGrids(
    _ name: String, _ prediction: VolumeGrid, _ reference: VolumeGrid
  ) throws(VolumeError) {
    guard prediction.size == reference.size else {
      throw VolumeError(
        name, "prediction has size \(prediction.size.text); the reference has \(reference.size.text)")
    }
    let allowed = reference.spacingInMillimetres.min() / 10
    for corner in 0..<8 {
      let last = reference.size &- 1
      let index = SIMD3<Double>(
        Double(corner & 1) * Double(last.x), Double(corner >> 1 & 1) * Double(last.y),
        Double(corner >> 2) * Double(last.z))
      let offset = prediction.affine(index) - reference.affine(index)
      let distance = (offset * offset).sum().squareRoot()
      guard distance <= allowed else {
        throw VolumeError(
          name,
          "prediction and reference lie \(distance) mm apart at a corner of their grids; "
            + "at most \(allowed) mm is the same grid")
      }
    }
  }
}

extension LabelMetrics {
  fileprivate init(label: MetricLabel, overlap: LabelOverlap, voxelInMillilitres: Double) {
    func ratio(_ part: Int, _ whole: Int) -> Double? {
      whole > 0 ? Double(part) / Double(whole) : nil
    }
    let union = overlap.prediction + overlap.reference - overlap.both
    self.init(
      label: label, dice: ratio(2 * overlap.both, overlap.prediction + overlap.reference),
      jaccard: ratio(overlap.both, union), precision: ratio(overlap.both, overlap.prediction),
      recall: ratio(overlap.both, overlap.reference),
      referenceVolumeInMillilitres: Double(overlap.reference) * voxelInMillilitres,
      predictionVolumeInMillilitres: Double(overlap.prediction) * voxelInMillilitres)
  }
}

extension Affine {
  /// |det| of the linear part: mm³ per voxel.
  fileprivate var voxelVolume: Double {
    let (a, b, c) = columns
    let cross = SIMD3(b.y * c.z - b.z * c.y, b.z * c.x - b.x * c.z, b.x * c.y - b.y * c.x)
    return abs((a * cross).sum())
  }
}
