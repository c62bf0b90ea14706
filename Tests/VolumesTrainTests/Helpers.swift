import FoundationEssentials

@testable import Volumes

/// A case whose channel 0 holds the linear voxel index, channel 1 its negative.
func indexCase(
  size: SIMD3<Int>, spacing: SIMD3<Double> = SIMD3(1, 1, 1), label: (SIMD3<Int>) -> Int32
) throws -> PatchSource {
  let grid = VolumeGrid(size: size, affine: Affine(spacingInMillimetres: spacing))
  let values = (0..<grid.count).map(Float.init)
  var labels: [Int32] = []
  for z in 0..<size.z {
    for y in 0..<size.y { for x in 0..<size.x { labels.append(label(SIMD3(x, y, z))) } }
  }
  return try PatchSource(
    name: "case",
    channels: [Volume(grid: grid, voxels: values), Volume(grid: grid, voxels: values.map { -$0 })],
    labels: LabelVolume(grid: grid, voxels: labels))
}

/// A file of Tests/VolumesTrainTests/Reference.
func referenceFile<Value: Decodable>(_ name: String, as type: Value.Type) throws -> Value {
  let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast()
  let path = (folder + ["Reference", name[...]]).joined(separator: "/")
  return try JSONDecoder().decode(type, from: Data(contentsOf: URL(filePath: path)))
}
