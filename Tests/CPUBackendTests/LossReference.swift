import ExecutionPlan

#if canImport(Glibc)
  import Glibc
#endif

/// A loss by its definition, in double.
struct LossProblem: CustomStringConvertible {
  enum Region: Int, CaseIterable { case none, dice, jaccard }
  var n = 2, classes = 3, voxels = 37, chunk = 10
  var sigmoid = false, dense = false, weighted = false, batch = false
  var region = Region.dice
  var firstClass = 0
  var regionWeight = 0.75, entropyWeight = 0.5, epsilon = 1e-2
  var logits: [Double] = []
  /// Class index; −1 and `ignored` count nowhere.
  var labels: [Int32] = []
  var targets: [Double] = []
  var classWeights: [Double] = []
  let ignored: Int32 = 2

  var description: String {
    "N \(n) C \(classes) V \(voxels) sigmoid \(sigmoid) dense \(dense) \(region)"
      + " weighted \(weighted) batch \(batch)"
  }

  mutating func fill(_ seed: UInt64) {
    var random = TestRandom(seed)
    logits = random.values(n * classes * voxels).map { 6 * $0 }
    labels = (0..<n * voxels).map { _ in Int32(random.below(classes + 1)) - 1 }
    targets = random.values(n * classes * voxels).map { ($0 + 1) / 2 }
    classWeights = random.values(classes).map { $0 + 1.5 }
  }

  func at(_ n: Int, _ c: Int, _ v: Int) -> Int { (n * classes + c) * voxels + v }
  func counts(_ n: Int, _ v: Int) -> Bool {
    let label = labels[n * voxels + v]
    return dense || (label >= 0 && label != ignored && label < classes)
  }
  func target(_ n: Int, _ c: Int, _ v: Int) -> Double {
    dense ? targets[at(n, c, v)] : labels[n * voxels + v] == Int32(c) ? 1 : 0
  }
  func logSum(_ x: [Double], _ n: Int, _ v: Int) -> Double {
    log((0..<classes).reduce(0) { $0 + exp(x[at(n, $1, v)]) })
  }
  func probability(_ x: [Double], _ n: Int, _ c: Int, _ v: Int) -> Double {
    sigmoid ? 1 / (1 + exp(-x[at(n, c, v)])) : exp(x[at(n, c, v)] - logSum(x, n, v))
  }

  /// Per class Σ p·y, Σ p, Σ y; then the two of the entropy, of the voxels of one sample.
  func sums(_ x: [Double], _ n: Int, _ range: Range<Int>) -> [Double] {
    var result = [Double](repeating: 0, count: 3 * classes + 2)
    for v in range where counts(n, v) {
      for c in 0..<classes {
        let p = probability(x, n, c, v), y = target(n, c, v)
        result[3 * c] += p * y
        result[3 * c + 1] += p
        result[3 * c + 2] += y
        if sigmoid {
          result[3 * classes] -= y * log(p) + (1 - y) * log(1 - p)
          result[3 * classes + 1] += 1
        } else {
          let w = y * (weighted ? classWeights[c] : 1)
          result[3 * classes] += w * (logSum(x, n, v) - x[at(n, c, v)])
          result[3 * classes + 1] += w
        }
      }
    }
    return result
  }

  func value(_ x: [Double]) -> Double {
    let samples = (0..<n).map { sums(x, $0, 0..<voxels) }
    let total = samples.dropFirst().reduce(samples[0]) { zip($0, $1).map(+) }
    var ratios: [Double] = []
    for s in batch ? [total] : samples {
      for c in firstClass..<classes {
        let (i, p, y) = (s[3 * c], s[3 * c + 1], s[3 * c + 2])
        ratios.append(region == .jaccard ? (i + epsilon) / (p + y - i + epsilon)
            : (2 * i + epsilon) / (p + y + epsilon))
      }
    }
    let overlap = region == .none ? 0 : 1 - ratios.reduce(0, +) / Double(ratios.count)
    let weight = total[3 * classes + 1]
    return regionWeight * overlap + (weight > 0 ? entropyWeight * total[3 * classes] / weight : 0)
  }

  func add(to call: inout KernelCall) {
    call.define("SIGMOID", sigmoid ? 1 : 0)
    call.define("TARGET", dense ? 1 : 0)
    call.define("ENTROPY", 0)
    call.define("SQUARED", 0)
    call.set("target", dense ? call.floats(targets) : call.region(of: labels))
    call.set("classWeights", weighted ? call.floats(classWeights) : nil)
    call.set(["N", "C", "voxels", "chunkVoxels", "ignore"], [n, classes, voxels, chunk, Int(ignored)])
    call.set("mean", 0)
    call.set("gammaBits", 2.0)
    call.set("clipBits", 1e-7)
  }
}

/// The scalars' array, by name.
func scalarArray(_ values: [(Scalar, Float)], integers: [(Scalar, Int32)] = []) -> [Float] {
  var scalars = [Float](repeating: 0, count: Scalar.count)
  for (scalar, value) in values { scalars[scalar.rawValue] = value }
  for (scalar, value) in integers { scalars[scalar.rawValue] = Float(bitPattern: UInt32(bitPattern: value)) }
  return scalars
}
func integer(_ scalars: [Float], _ scalar: Scalar) -> Int32 {
  Int32(bitPattern: scalars[scalar.rawValue].bitPattern)
}
