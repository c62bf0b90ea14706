import KernelCatalog

/// A convolution or its transpose, with the formulas of the catalogue in double.
struct ConvolutionCase: CustomStringConvertible {
  var n = 1
  var inputs: [(kind: TestSegment.Kind, channels: Int)] = [(.plain, 3)]
  var outC = 5
  var input = [4, 5, 6]
  var kernel = [3, 3, 3]
  var stride = [1, 1, 1]
  var pad = [1, 1, 1]
  var transposed = false
  /// Added to a transposed convolution's smallest output.
  var outputPadding = 0
  var outputBlocks = 1
  var planarOutput = false
  var halfOutput = false
  var bias = true
  var activation = Activation.none
  var accumulate = false
  /// The activation whose gradient the output is.
  var mask = Activation.none

  var inC: Int { inputs.reduce(0) { $0 + $1.channels } }
  var taps: Int { kernel.reduce(1, *) }
  var output: [Int] {
    (0..<3).map {
      transposed
        ? (input[$0] - 1) * stride[$0] - 2 * pad[$0] + kernel[$0] + outputPadding
        : (input[$0] + 2 * pad[$0] - kernel[$0]) / stride[$0] + 1
    }
  }
  /// Canonical weights: O I D H W, or I O D H W where transposed.
  var strideIn: Int { transposed ? outC * taps : taps }
  var strideOut: Int { transposed ? taps : inC * taps }

  var description: String {
    "\(transposed ? "transposed " : "")k\(kernel) s\(stride) p\(pad)"
      + " \(inputs.map { "\($0.kind)\($0.channels)" }) to \(outC) at \(input), N \(n), OB \(outputBlocks)"
  }

  /// Σ without bias and activation.
  func sums(_ x: TestTensor, _ weights: [Double]) -> TestTensor {
    var out = TestTensor(n: n, c: outC, extent: output)
    for b in 0..<n {
      for o in 0..<outC {
        for d in 0..<output[0] { for h in 0..<output[1] { for w in 0..<output[2] {
          var sum = 0.0
          for kd in 0..<kernel[0] { for kh in 0..<kernel[1] { for kw in 0..<kernel[2] {
            guard let q = source([d, h, w], [kd, kh, kw]) else { continue }
            let tap = (kd * kernel[1] + kh) * kernel[2] + kw
            for i in 0..<inC {
              sum += x.padded(b, i, q[0], q[1], q[2]) * weights[i * strideIn + o * strideOut + tap]
            }
          } } }
          out[b, o, d, h, w] = sum
        } } }
      }
    }
    return out
  }

  /// Input voxel that output voxel p reads with tap k; nil where the transpose's division leaves a rest.
  func source(_ p: [Int], _ k: [Int]) -> [Int]? {
    if !transposed { return (0..<3).map { p[$0] * stride[$0] + k[$0] - pad[$0] } }
    let scaled = (0..<3).map { p[$0] + pad[$0] - k[$0] }
    guard (0..<3).allSatisfy({ scaled[$0] >= 0 && scaled[$0] % stride[$0] == 0 }) else { return nil }
    return (0..<3).map { scaled[$0] / stride[$0] }
  }

  /// packed[phase][⌈outBlocks/OB⌉][inBlock][tap][16][OB][16], as `pack_weights` says.
  func packed(_ weights: [Double]) -> [Double] {
    var result: [Double] = []
    let groups = (outC + 16 * outputBlocks - 1) / (16 * outputBlocks)
    let lanes = inputLanes
    let residues = transposed ? stride : [1, 1, 1]
    for rd in 0..<residues[0] { for rh in 0..<residues[1] { for rw in 0..<residues[2] {
      let canonical = zip([rd, rh, rw], 0..<3).map { r, axis -> [Int] in
        if !transposed { return Array(0..<kernel[axis]) }
        let e = (r + pad[axis]) % stride[axis]
        let n = e < kernel[axis] ? (kernel[axis] - e + stride[axis] - 1) / stride[axis] : 0
        return (0..<n).map { e + (n - 1 - $0) * stride[axis] }
      }
      for group in 0..<groups { for block in 0..<lanes.count / 16 {
        for kd in canonical[0] { for kh in canonical[1] { for kw in canonical[2] {
          for lane in 0..<16 { for o in group * 16 * outputBlocks..<(group + 1) * 16 * outputBlocks {
            guard let i = lanes[block * 16 + lane], o < outC else { result.append(0); continue }
            result.append(weights[i * strideIn + o * strideOut + (kd * kernel[1] + kh) * kernel[2] + kw])
          } }
        } } }
      } }
    } } }
    return result
  }

  /// Input channel at each lane of the blocks; nil where padding.
  var inputLanes: [Int?] {
    var lanes: [Int?] = [], first = 0
    for (_, channels) in inputs {
      for lane in 0..<(channels + 15) / 16 * 16 { lanes.append(lane < channels ? first + lane : nil) }
      first += channels
    }
    return lanes
  }

  func setSegments(_ call: inout KernelCall) {
    call.set("segments", inputs.count)
    for i in 0..<4 { call.set("segmentC\(i)", i < inputs.count ? inputs[i].channels : 0) }
    call.set("outC", outC)
    call.set("strideIn", strideIn)
    call.set("strideOut", strideOut)
    call.set(["groupIn", "groupOut", "firstOut", "groupShift"], [1 << 30, 1 << 30, 0, 0])
  }

  func setGeometry(_ call: inout KernelCall) {
    call.set(["kD", "kH", "kW"], kernel)
    call.set(["strideD", "strideH", "strideW"], stride)
    call.set(["padD", "padH", "padW"], pad)
    call.set(["dilD", "dilH", "dilW"], [1, 1, 1])
  }
}

/// Concatenation along the channels.
func concatenated(_ parts: [TestTensor]) -> TestTensor {
  let n = parts[0].n, voxels = parts[0].voxels
  var result = TestTensor(n: n, c: parts.reduce(0) { $0 + $1.c }, extent: parts[0].extent, values: [])
  for b in 0..<n { for p in parts { result.values += p.values[b * p.c * voxels..<(b + 1) * p.c * voxels] } }
  return result
}
