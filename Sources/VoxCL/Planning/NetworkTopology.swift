import LayerGraph
import Models
import Training

/// Kernels and strides of an nnU-Net-like network for a patch, by nnU-Net's rule (Isensee et al. 2021,
/// `get_pool_and_conv_props`): an axis is halved while at least four voxels are left behind it, and only where its
/// voxels are less than twice as thick as the finest; its kernel is 1 until they are. Lists are [x, y, z].
public struct NetworkTopology: Sendable, Equatable {
  /// Of each stage, finest first.
  public private(set) var kernels: [[Int]]
  /// Between stage i and stage i + 1.
  public private(set) var strides: [[Int]]
  /// The patch, made larger where the strides do not divide it.
  public private(set) var patch: SIMD3<Int>

  private static let leastExtent = 4
  private static let mostStages = 6

  public var stageCount: Int { strides.count + 1 }
  public var divisor: SIMD3<Int> {
    strides.reduce(SIMD3(repeating: 1)) { $0 &* SIMD3($1[0], $1[1], $1[2]) }
  }

  public init(patch: SIMD3<Int>, spacing: SIMD3<Double>) {
    var spacing = spacing
    var size = patch
    var kernel = [1, 1, 1]
    kernels = []
    strides = []
    while strides.count + 1 < Self.mostStages {
      var axes = (0..<3).filter { size[$0] >= 2 * Self.leastExtent }
      guard let finest = axes.map({ spacing[$0] }).min() else { break }
      axes.removeAll { spacing[$0] / finest >= 2 }
      // One axis alone is halved only where much is left of it.
      if axes.count == 1, size[axes[0]] < 3 * Self.leastExtent { break }
      for axis in 0..<3 where spacing[axis] / spacing.min() < 2 { kernel[axis] = 3 }
      for axis in axes {
        spacing[axis] *= 2
        size[axis] = (size[axis] + 1) / 2
      }
      strides.append((0..<3).map { axes.contains($0) ? 2 : 1 })
      kernels.append(kernel)
    }
    // Slices of one voxel have nothing beside them.
    kernels.append((0..<3).map { patch[$0] > 1 ? 3 : 1 })
    self.patch = patch
    let divisor = divisor
    for axis in 0..<3 { self.patch[axis] = (patch[axis] + divisor[axis] - 1) / divisor[axis] * divisor[axis] }
  }

  /// nnU-Net's widths for so many stages: doubled at each, at most 320 in proportion to a base of 32.
  public static func widths(base: Int, stages: Int) -> [Int] {
    (0..<stages).map { min(base << $0, 10 * base) }
  }

  /// The network of a recipe.
  public func model(base: Int) -> ModelSettings {
    var model = ModelSettings()
    model.name = "nnunet-plain"
    model.nnunet.widths = Self.widths(base: base, stages: stageCount)
    func extent(_ axes: [Int]) -> Extent { Extent(axes[2], axes[1], axes[0]) }
    // What the network does anyway is not said.
    if kernels.contains(where: { $0 != [3, 3, 3] }) { model.nnunet.kernels = kernels.map(extent) }
    if strides.contains(where: { $0 != [2, 2, 2] }) { model.nnunet.factors = strides.map(extent) }
    return model
  }
}
