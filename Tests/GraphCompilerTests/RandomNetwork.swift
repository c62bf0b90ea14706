import LayerGraph
import Volumes

/// A network that nobody drew: random layers on random earlier results, joins included, so that rules of the compiler
/// meet in places where no built-in network has them.
struct RandomNetwork: CustomStringConvertible {
  let seed: UInt64
  let graph: Graph
  let loss: String

  init(seed: UInt64) throws {
    self.seed = seed
    var random = SampleRandom(seed: seed, stream: .noise, sample: 0)
    let input = Shape(
      batch: 1 + random.integer(below: 2), channels: [1, 2, 3, 17][random.integer(below: 4)],
      extent: Extent(2 + random.integer(below: 5), 2 + random.integer(below: 6), 2 + random.integer(below: 7)))
    let loss = ["dice-ce", "squared-dice", "bce", "weighted-ce"][random.integer(below: 4)]
    self.loss = loss
    graph = try Graph("random \(seed)", input: input) { network, x in
      var drawing = Drawing(network: network, isSigmoid: loss == "bce", random: random, all: [x])
      return drawing.output()
    }
  }

  var description: String {
    ([("random \(seed), loss \(loss)")] + graph.nodes.map { "  \($0.id): \($0.op) of \($0.inputs) -> \($0.shape)" })
      .joined(separator: "\n")
  }
}

/// A network half drawn: its results so far, and which of them no layer has read yet. Every layer that is declared has
/// to be read in the end, so that what does not fit must not be declared.
private struct Drawing {
  let network: Network
  let isSigmoid: Bool
  var random: SampleRandom
  var all: [Tensor]
  var unread: [Int] = [0]
  static let mostVoxels = 400
  static let mostChannels = 64

  mutating func output() -> Tensor {
    for _ in 0..<(4 + random.integer(below: 10)) { grow() }
    let classes = 3
    let last = all.count - 1
    var y = all[last].conv(classes, kernel: pick([1, 3]))
    for index in unread where index != last && index != 0 {
      let map = all[index].conv(classes, kernel: 1)
      if random.chance(0.3), y.extent.map(map.extent, { $0 % $1 }) == 0 {
        network.supervise(isSigmoid || random.chance(0.8) ? map : map.softmax(), weight: 0.4)
        if random.chance(0.7) { continue }
      }
      y = y.add(map.resize(pick([.nearest, .trilinear]), to: y.extent))
    }
    return ended(y)
  }

  /// Most networks end in a convolution or a sum, but they may end in anything.
  private mutating func ended(_ y: Tensor) -> Tensor {
    switch random.integer(below: 12) {
    case 0...1: isSigmoid ? y.sigmoid() : y.softmax()
    case 2: y.leakyReLU(0.3)
    case 3: y.add(y)
    case 4: y.upsample(pick([.nearest, .trilinear]), Extent(1, 2, 1))
    case 5: y.multiply(y)
    case 6: y.dropout(0.3)
    case 7: y.extent.count >= 12 ? y.instanceNorm() : y
    default: y
    }
  }

  private mutating func pick<T>(_ choices: [T]) -> T { choices[random.integer(below: choices.count)] }

  private mutating func grow() {
    // The newest result most times, else any.
    let source = random.chance(0.6) ? all.count - 1 : random.integer(below: all.count)
    var read = [source]
    guard let y = layer(on: all[source], &read) else { return }
    unread.removeAll { read.contains($0) }
    unread.append(all.count)
    all.append(y)
  }

  /// The layer's output, nil where it does not fit; adds to `read` what it reads besides.
  private mutating func layer(on x: Tensor, _ read: inout [Int]) -> Tensor? {
    switch random.integer(below: 20) {
    case 0...4: convolution(x)
    case 5: transposed(x)
    case 6...9: activation(x)
    case 10...11: norm(x)
    case 12: random.chance(0.5) ? x.dropout(0.3) : x.spatialDropout(0.3)
    case 13: pool(x)
    case 14: resampled(x)
    case 15: random.chance(0.2) ? x.softmax() : padded(x)
    default: joined(x, &read)
    }
  }

  private mutating func convolution(_ x: Tensor) -> Tensor {
    let kernel: Extent = pick([3, 3, 3, 1, Extent(1, 3, 3), Extent(3, 1, 1), 2, Extent(2, 4, 3)])
    let fits = x.extent.map(kernel, { $0 >= $1 ? 1 : 0 }) == 1
    let isValid = fits && random.chance(0.2)
    let groups = random.chance(0.1) && x.channels % 2 == 0 ? 2 : 1
    return x.conv(
      groups * pick([1, 3, 8, 16, 17, 20]), kernel: kernel, stride: pick([1, 1, 1, 2, Extent(1, 2, 2)]),
      padding: isValid ? .valid : .same, dilation: !isValid && random.chance(0.1) ? 2 : 1, groups: groups,
      bias: random.chance(0.7))
  }

  private mutating func transposed(_ x: Tensor) -> Tensor? {
    guard 8 * x.extent.count <= Self.mostVoxels else { return nil }
    let channels = pick([2, 16, 19])
    switch random.integer(below: 4) {
    case 0: return x.upConv(channels)
    case 1: return x.upConv(channels, kernel: Extent(1, 2, 2), stride: Extent(1, 2, 2))
    case 2: return x.upConv(channels, kernel: 4, stride: 2, padding: 1)
    default: return x.upConv(channels, kernel: 3, stride: 2, padding: 1, outputPadding: 1, bias: false)
    }
  }

  private mutating func activation(_ x: Tensor) -> Tensor {
    switch random.integer(below: 10) {
    case 0...2: x.relu()
    case 3...5: x.leakyReLU(random.chance(0.5) ? 0.01 : 0.3)
    case 6: x.prelu(perChannel: random.chance(0.5))
    default: x.activation(pick([.elu(alpha: 0.7), .silu, .gelu, .tanh, .sigmoid]))
    }
  }

  private mutating func norm(_ x: Tensor) -> Tensor? {
    // Of few values a norm is nearly a sign: no place for a difference quotient.
    guard x.extent.count >= 12 else { return nil }
    switch random.integer(below: 5) {
    case 0...2: return x.norm(Normalisation(.instance, hasAffine: random.chance(0.8)))
    case 3: return x.batchNorm()
    default: return x.groupNorm(x.channels % 2 == 0 ? 2 : 1)
    }
  }

  private mutating func pool(_ x: Tensor) -> Tensor? {
    let isEven = x.extent.allSatisfy { $0 % 2 == 0 }
    switch random.integer(below: 5) {
    case 0...1: return isEven ? x.maxPool(2) : nil
    case 2: return x.maxPool(3, stride: pick([1, 2, Extent(1, 2, 2)]), padding: 1)
    case 3: return isEven ? x.averagePool(2) : nil
    default: return x.averagePool(3, stride: pick([1, 2]), padding: 1, countsPadding: random.chance(0.5))
    }
  }

  private mutating func resampled(_ x: Tensor) -> Tensor? {
    let mode: Interpolation = pick([.nearest, .trilinear])
    if random.chance(0.6) {
      let factor: Extent = pick([2, Extent(1, 2, 2)])
      return x.extent.count * factor.count <= Self.mostVoxels ? x.upsample(mode, factor) : nil
    }
    let target = Extent(1 + random.integer(below: 6), 1 + random.integer(below: 7), 1 + random.integer(below: 7))
    return x.resize(mode, to: target, alignCorners: mode == .trilinear && random.chance(0.3))
  }

  private mutating func padded(_ x: Tensor) -> Tensor? {
    if random.chance(0.4) {
      let off = random.integer(below: 3)
      return x.crop(to: x.extent.map(x.extent) { a, _ in max(1, a - off) })
    }
    let mode: PadMode = pick([.constant(0.3), .edge, .reflect])
    guard x.extent.count < Self.mostVoxels / 4, mode != .reflect || x.extent.allSatisfy({ $0 > 2 }) else { return nil }
    return x.pad(
      low: Extent(0, random.integer(below: 3), random.integer(below: 3)), high: pick([0, 1, Extent(2, 0, 1)]), mode)
  }

  /// Concatenation, sum or product with earlier results of these extents, of x's channels after a convolution where
  /// they differ.
  private mutating func joined(_ x: Tensor, _ read: inout [Int]) -> Tensor? {
    let near = all.indices.filter { all[$0].extent == x.extent }
    let second = pick(near), third = pick(near), other = all[second]
    switch random.integer(below: 6) {
    case 0...1:
      let others = random.chance(0.7) ? [second] : [second, third]
      guard others.reduce(x.channels, { $0 + all[$1].channels }) <= Self.mostChannels else { return nil }
      read += others
      return x.concat(others.map { all[$0] })
    case 2:
      guard x.extent.count > 1 else { return nil }
      return x.multiply(x.globalAveragePool().conv(pick([1, x.channels]), kernel: 1).sigmoid())
    default:
      read.append(second)
      let fits = other.channels == x.channels || other.channels == 1
      let term = fits ? other : other.conv(random.chance(0.3) ? 1 : x.channels, kernel: 1)
      return random.chance(0.75) ? x.add(term) : x.multiply(term)
    }
  }
}
