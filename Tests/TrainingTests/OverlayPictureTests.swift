import Testing
import Volumes

@testable import Training

/// The pictures that a run gives TensorBoard.
@Suite struct OverlayPictureTests {
  /// Two panels side by side with a gap of 4 pixels; the longer edge in millimetres has 256, whatever the voxels are.
  @Test(arguments: [
    (SIMD3(8, 4, 2), SIMD3(1.0, 2, 3), 256, 256), (SIMD3(35, 52, 30), SIMD3(1.0, 1, 1), 172, 256),
    (SIMD3(600, 300, 2), SIMD3(0.7, 0.7, 5), 256, 128), (SIMD3(1, 1, 1), SIMD3(1.0, 1, 1), 256, 256),
    (SIMD3(300, 1, 1), SIMD3(1.0, 0.1, 1), 256, 1),
  ])
  func pixelsAreSquare(_ size: SIMD3<Int>, _ spacing: SIMD3<Double>, _ columns: Int, _ rows: Int) {
    let grid = VolumeGrid(size: size, affine: Affine(spacingInMillimetres: spacing))
    let count = size.x * size.y * size.z
    let image = Volume(grid: grid, voxels: (0..<count).map { Float($0 % 7) })
    let labels = LabelVolume(grid: grid, voxels: (0..<count).map { Int32($0 % 2) })
    let picture = OverlayPicture(image: image, reference: labels, prediction: labels, ids: [1])
    #expect(picture.width == 2 * columns + 4)
    #expect(picture.height == rows)
  }
}
