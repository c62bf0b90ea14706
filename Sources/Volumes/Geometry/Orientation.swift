/// Towards which side of the patient each stored axis runs, such as LAS: i to the Left, j to Anterior, k up.
public struct Orientation: Sendable, Equatable, CustomStringConvertible {
  /// For stored axes i, j, k: the world axis (0 = left–right, 1 = posterior–anterior, 2 = inferior–superior).
  public var worldAxes: [Int]
  /// For stored axes i, j, k: whether the axis runs towards R, A or S.
  public var isPositive: [Bool]

  /// The permutation with the largest sum of |cosines| between stored and world axes, so that an oblique
  /// grid gets the nearest code; on a tie the first in lexicographic order.
  public init(of affine: Affine) {
    let norms = affine.columnNorms
    func cosine(_ stored: Int, _ world: Int) -> Double { affine.column(stored)[world] / norms[stored] }
    let permutations = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
    var best = permutations[0]
    var bestSum = -1.0
    for p in permutations {
      let sum = (0..<3).reduce(0) { $0 + abs(cosine($1, p[$1])) }
      // The margin keeps rounding from deciding between two codes that fit equally at 45°.
      if sum > bestSum + 1e-9 { (best, bestSum) = (p, sum) }
    }
    worldAxes = best
    isPositive = (0..<3).map { cosine($0, best[$0]) >= 0 }
  }

  public var description: String {
    (0..<3).map { ["LR", "PA", "IS"][worldAxes[$0]].map { String($0) }[isPositive[$0] ? 1 : 0] }.joined()
  }
}
