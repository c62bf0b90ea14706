import VoxCL

/// What `inspect` says of a volume.
func printVolume(_ v: VolumeInspection) throws {
  func list(_ values: [Double], _ digits: Int) -> String {
    values.map { decimals($0, digits) }.joined(separator: " × ")
  }
  print("\(v.path): NIfTI-\(v.niftiVersion), \(v.datatype)")
  print("  voxels       \(v.shape.map(String.init).joined(separator: " × "))")
  print("  spacing      \(list(v.spacingInMillimetres, 4)) mm")
  print("  orientation  \(v.orientation), from \(v.affineSource) (qform code \(v.qformCode), sform code \(v.sformCode))")
  for (i, row) in v.affine.enumerated() where i < 3 {
    print("  \(i == 0 ? "affine     " : "           ")  " + row.map { decimals($0, 4) }.joined(separator: "  "))
  }
  if let slope = v.slope { print("  scaling      \(slope) × stored + \(v.intercept ?? 0)") }
  print("  values       \(v.minimum) to \(v.maximum), mean \(decimals(v.mean, 3))")
  if let labels = v.labels {
    printTable(
      ["  label", "voxels", "ml"],
      labels.map { ["  \($0.id)", String($0.voxels), decimals($0.volumeInMillilitres, 2)] }, right: [1, 2])
  }
  for warning in v.warnings { print("  warning: \(warning)") }
}
