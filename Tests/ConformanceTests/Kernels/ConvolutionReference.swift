import ExecutionPlan
import Testing

/// Holds `out` of a case against the formula on every device, so that backends cannot be wrong alike.
/// - Parameter tolerance: Largest absolute difference; values are of order 1.
func expectFormula(_ test: KernelCase, _ expected: [Double], tolerance: Double) throws {
  for device in Devices.opencl.map({ $0 as any Device }) + Devices.cpu {
    let values = try #require(try test.run(on: device, groups: 2).first { $0.name == "out" }).values
    let differences = zip(values, expected).map { abs($0 - $1) }
    #expect(
      differences.allSatisfy { $0 < tolerance },
      "\(device.description.id), by \(differences.max() ?? 0): \(test.description)")
  }
}

/// The catalogue's formula, term by term in double, of segments without lazy steps:
/// out[n,o,p] = bias[o] + Σ_{i,k} in[n,i,p·stride + k·dil − pad] w[o,i,k], or transposed
/// Σ over (q,k) with q·stride + k·dil − pad = p of in[n,i,q] w(i,o,k).
extension ConvolutionCase {
  /// Blocked N × ⌈C/16⌉ × D × H × W × 16.
  func reference(bias: [Float]) -> [Double] {
    let source = values
    var result = [Double](repeating: 0, count: size(samples, outC, output.voxels, planar: false))
    for n in 0..<samples {
      for o in 0..<outC {
        for p in 0..<output.voxels {
          let position = [p / (output.h * output.w), p / output.w % output.h, p % output.w]
          var sum = Double(bias[o])
          for k in 0..<taps {
            let tap = [k / (kernel.h * kernel.w), k / kernel.w % kernel.h, k % kernel.w]
            guard let q = inputVoxel(position, tap) else { continue }
            for i in 0..<inC {
              sum +=
                source[(n * inC + i) * input.voxels + q] * Double(weights[i * strideIn + o * strideOut + k])
            }
          }
          result[((n * blocks(outC) + o / 16) * output.voxels + p) * 16 + o % 16] = sum
        }
      }
    }
    return result
  }

  /// The input voxel that output `p` reads at `tap`; nil where there is none.
  private func inputVoxel(_ p: [Int], _ tap: [Int]) -> Int? {
    var voxel = 0
    for axis in 0..<3 {
      let s = stride.list[axis]
      let extent = input.list[axis]
      let reach = tap[axis] * dilation.list[axis]
      var q = p[axis] * s + reach - pad.list[axis]
      if isTransposed {
        let scaled = p[axis] + pad.list[axis] - reach
        guard scaled >= 0, scaled % s == 0 else { return nil }
        q = scaled / s
      }
      guard (0..<extent).contains(q) else { return nil }
      voxel = voxel * extent + q
    }
    return voxel
  }

  /// The concatenated input, N × C × voxels; segments are blocked fp32 seen through a crop.
  private var values: [Double] {
    var values = [Double](repeating: 0, count: samples * inC * input.voxels)
    var first = 0
    for segment in segments {
      let stored = Output(name: "", type: .float32, bytes: segment.operands["tensor0"]!.bytes).values
      for n in 0..<samples {
        for c in 0..<segment.channels {
          for v in 0..<input.voxels {
            let d = v / (input.h * input.w) + segment.crop.d
            let h = v / input.w % input.h + segment.crop.h
            let at = (d * segment.source.h + h) * segment.source.w + v % input.w + segment.crop.w
            let block = n * blocks(segment.channels) + c / 16
            values[(n * inC + first + c) * input.voxels + v] =
              stored[(block * segment.source.voxels + at) * 16 + c % 16]
          }
        }
      }
      first += segment.channels
    }
    return values
  }
}
