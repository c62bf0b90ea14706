import LayerGraph
import Models
import Testing
import Volumes

/// The gradient that the compiler derives against central differences of the loss that it computes, both in double
/// precision, along random directions of all parameters: every rule that a network uses, in its place. Values of
/// PyTorch are the other test; this one needs no file.
@Suite struct DirectionalDerivativeTests {
  struct Network: CustomTestStringConvertible, Sendable {
    var name: String
    var input: [Int]
    var declare: @Sendable (LayerGraph.Network, Tensor) -> Tensor
    var loss = "dice-ce"
    var testDescription: String { name }

    func problem() throws -> GradientProblem {
      let shape = Shape(batch: input[0], channels: input[1], extent: Extent(Array(input[2...])))
      return try GradientProblem(Graph(name, input: shape, declare), loss: loss)
    }
  }

  static let losses = [
    "squared-dice", "generalised-dice", "tversky", "soft-jaccard", "focal", "focal-bce", "clipped-cce", "softmax-twice",
    "dice-softmax-twice", "weighted-ce",
  ].map { loss in
    Network(name: loss, input: [2, 2, 3, 4, 5], declare: { _, x in x.conv(5).tanh().conv(4) }, loss: loss)
  }

  static let networks: [Network] = losses + [
    Network(name: "conv", input: [2, 3, 5, 7, 6]) { _, x in x.conv(4) },
    Network(name: "conv relu pool conv", input: [1, 1, 4, 6, 8]) { _, x in
      x.conv(20).relu().maxPool(2).upsample(.nearest).conv(3)
    },
    Network(name: "instance norm chain", input: [2, 2, 5, 4, 7]) { _, x in
      x.conv(18).instanceNorm().leakyReLU().conv(18, kernel: Extent(1, 3, 3)).instanceNorm().relu().conv(3)
    },
    Network(name: "batch norm after relu", input: [2, 1, 5, 4, 7]) { _, x in
      x.conv(17).relu().batchNorm().conv(3)
    },
    Network(name: "trilinear concat crop", input: [1, 2, 4, 4, 6]) { _, x in
      let fine = x.conv(18).leakyReLU()
      let coarse = fine.maxPool(2).conv(20).relu()
      return coarse.upsample(.trilinear).concat(fine).conv(16, padding: .valid).relu()
        .concat(fine.crop(to: Extent(2, 2, 4))).conv(2)
    },
    Network(name: "strided and transposed", input: [1, 1, 7, 6, 9]) { _, x in
      x.conv(16, stride: 2).instanceNorm().leakyReLU().upConv(20, kernel: 4, stride: 2, padding: 1).instanceNorm()
        .relu().upConv(6, kernel: 2, stride: 2).conv(3, kernel: 1)
    },
    Network(name: "residual sums", input: [1, 1, 4, 5, 6]) { _, x in
      let a = x.conv(16).instanceNorm().leakyReLU()
      let b = a.conv(16).instanceNorm().leakyReLU().add(a)
      let c = b.conv(16).instanceNorm().relu().add(b)
      return c.concat(a).conv(4).add(c.conv(4, kernel: 1))
    },
    Network(name: "relu of a sum with the input", input: [1, 3, 4, 6, 8]) { _, x in
      let once = x.conv(3).relu().add(x).relu()
      let twice = once.conv(3).leakyReLU().add(x).leakyReLU(0.3).add(x.maxPool(2).upsample(.nearest))
      return twice.relu().conv(2)
    },
    Network(name: "sums of the same terms", input: [1, 2, 4, 5, 6]) { _, x in
      let a = x.conv(17).tanh()
      let b = a.conv(17).tanh()
      let c = b.add(a).add(b).conv(17).tanh()
      return c.add(c).add(c).conv(3)
    },
    Network(name: "shared norm", input: [1, 2, 4, 5, 6]) { _, x in
      let n = x.conv(17).instanceNorm()
      return n.relu().conv(3).add(n.leakyReLU(0.2).conv(3)).add(n.conv(3, kernel: 1))
    },
    Network(name: "norm of a wide input", input: [1, 17, 4, 6, 8]) { _, x in x.instanceNorm().relu().conv(3) },
    Network(name: "sigmoid inside", input: [1, 2, 4, 5, 6], declare: { _, x in
      x.conv(9).sigmoid().conv(2).instanceNorm().sigmoid()
    }, loss: "bce"),
    Network(name: "jaccard", input: [2, 2, 4, 5, 6], declare: { _, x in x.conv(5).sigmoid().conv(2) }, loss: "jaccard"),
    Network(name: "activations", input: [2, 2, 3, 4, 5]) { _, x in
      var y = x
      for kind: ActivationKind in [.elu(alpha: 0.7), .silu, .gelu, .tanh] {
        y = y.conv(18).activation(kind).conv(18).instanceNorm().activation(kind)
        y = y.add(y.activation(kind)).dropout(0.2).activation(kind)
      }
      return y.conv(3).silu().prelu()
    },
    Network(name: "prelu", input: [2, 2, 3, 4, 5]) { _, x in
      x.prelu(perChannel: true).conv(18).prelu(perChannel: true).conv(20).instanceNorm().prelu().conv(3)
    },
    Network(name: "group norm", input: [2, 2, 3, 4, 5]) { _, x in
      x.conv(18).groupNorm(3).relu().conv(33).layerNorm().silu().conv(6).groupNorm(6).conv(3)
    },
    Network(name: "batch renorm", input: [2, 2, 3, 4, 5]) { _, x in
      x.conv(18).norm(Normalisation(.batchRenorm, momentum: 0)).relu().conv(3)
        .norm(Normalisation(.batchRenorm, momentum: 0))
    },
    Network(name: "spatial dropout", input: [3, 2, 3, 4, 5]) { _, x in
      x.conv(18).relu().spatialDropout(0.4).conv(5).instanceNorm().spatialDropout(0.3).conv(3)
    },
    Network(name: "supervised heads", input: [2, 1, 4, 8, 12]) { net, x in
      let fine = x.conv(10).tanh()
      let coarse = fine.conv(18, stride: 2).instanceNorm().relu()
      let map = coarse.conv(3, kernel: 1)
      net.supervise(map, weight: 0.3)
      net.supervise(coarse.conv(20, stride: 2).tanh().conv(3, kernel: 1), weight: 0.2)
      net.supervise(fine.conv(3, kernel: 1, name: "unweighted"), weight: 0)
      net.outputWeight = 0.5
      return fine.concat(map.upsample(.nearest)).conv(3).add(map.upsample(.trilinear))
    },
    Network(name: "R2 narrow", input: [1, 1, 16, 16, 16]) { net, x in
      var r2 = R2NNUNet()
      r2.widths = [4, 6, 8, 8]
      return r2(net, x)
    },
    Network(name: "dilated", input: [2, 2, 7, 8, 9]) { _, x in
      x.conv(18, dilation: 2).tanh().conv(5, stride: 2, dilation: Extent(1, 2, 3)).tanh()
        .upConv(17, kernel: 3, stride: 2, padding: 1, outputPadding: 1, dilation: Extent(1, 3, 2)).tanh()
        .conv(3, padding: .asymmetric(low: Extent(0, 2, 1), high: Extent(1, 0, 3)))
    },
    Network(name: "grouped", input: [2, 6, 3, 4, 5]) { _, x in
      x.conv(36, groups: 3).tanh().conv(36, groups: 36).tanh().upConv(20, groups: 4).tanh()
        .conv(10, kernel: 1, groups: 5).concat(x.upsample(.nearest)).conv(4, groups: 2)
    },
    Network(name: "stored concat", input: [2, 2, 4, 4, 6]) { _, x in
      let a = x.conv(3).tanh()
      let b = x.conv(17).instanceNorm().relu()
      let joined = a.concat(b, x.conv(20))
      let many = joined.maxPool(2).concat(a.maxPool(2), b.maxPool(2), x.maxPool(2).conv(5).tanh(), a.maxPool(2))
      return many.instanceNorm().tanh().upsample(.trilinear).concat(joined).add(joined.concat(many.upsample(.nearest)))
        .conv(3).add(joined.conv(3, kernel: 1))
    },
    Network(name: "pools", input: [2, 2, 5, 6, 7]) { _, x in
      let a = x.conv(18).tanh()
      let b = a.maxPool(3, stride: Extent(1, 2, 2), padding: 1)
        .add(a.averagePool(3, stride: Extent(1, 2, 2), padding: 1, countsPadding: false))
        .add(a.averagePool(Extent(1, 2, 3), stride: Extent(1, 2, 2), padding: Extent(0, 1, 1)).crop(to: Extent(5, 3, 4)))
      let gate = b.globalAveragePool().conv(18, kernel: 1).sigmoid()
      return b.multiply(gate).conv(3).maxPool(2, stride: 1)
    },
    Network(name: "pads and resizes", input: [1, 2, 3, 4, 5]) { _, x in
      let a = x.conv(18).tanh()
      let b = a.pad(low: Extent(1, 2, 3), high: Extent(2, 1, 4), .reflect).conv(3).tanh()
      let c = a.pad(low: Extent(0, 2, 1), high: 3, .edge).conv(3).resize(.trilinear, to: b.extent)
      let d = a.pad(low: 1, high: 2, .constant(0.5)).conv(3).tanh().resize(.nearest, to: b.extent)
      let e = b.resize(.trilinear, to: Extent(3, 5, 4), alignCorners: true).conv(18).tanh()
      return b.add(c).add(d).add(e.conv(3).resize(.trilinear, to: b.extent, alignCorners: true))
    },
    Network(name: "softmax inside", input: [2, 2, 3, 4, 5]) { _, x in
      x.conv(20).softmax().conv(5).softmax().conv(3)
    },
    Network(name: "attention gate", input: [2, 1, 3, 4, 6]) { _, x in
      let a = x.conv(20).relu()
      let psi = a.conv(9, kernel: 2, stride: 2, padding: .valid).relu().conv(1, kernel: 1).sigmoid()
      return a.crop(to: Extent(2, 4, 6)).multiply(psi.upsample(.nearest, 2)).conv(3, kernel: 1)
    },
    Network(name: "products", input: [2, 2, 3, 4, 5]) { _, x in
      let a = x.conv(18).instanceNorm().relu()
      let b = a.multiply(x.conv(18)).multiply(a)
      let row = b.conv(18, kernel: Extent(3, 4, 1), padding: .valid).sigmoid()
      return b.multiply(row).add(x.conv(1)).add(a.conv(5, kernel: Extent(3, 4, 5), padding: .valid).conv(18)).conv(3)
    },
    Network(name: "S4 narrow", input: [1, 1, 2, 16, 32]) { net, x in
      var s4 = S4Pancreas()
      s4.base = 2
      return s4(net, x)
    },
    Network(name: "unet3d residual strided", input: [1, 1, 8, 8, 8]) { net, x in
      var unet = UNet3D()
      unet.widths = [8, 16, 24]
      unet.residual = true
      unet.down = .strided
      return unet(net, x)
    },
    Network(name: "S2 narrow", input: [1, 1, 8, 8, 16]) { net, x in
      var s2 = S2Liver()
      s2.base = 4
      return s2(net, x)
    },
    Network(name: "S3 narrow", input: [1, 1, 32, 16, 32]) { net, x in
      var s3 = S3Prostate()
      s3.base = 4
      return s3(net, x)
    },
  ]

  /// Along the gradient, and along random directions bent towards it.
  @Test(arguments: networks) func gradientIsTheLosssSlope(_ network: Network) throws {
    let problem = try network.problem()
    let gradient = try problem.gradient()
    let norm = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
    #expect(norm > 1e-4)
    var random = SampleRandom(seed: 8, stream: .noise, sample: 2)
    for trial in 0..<3 {
      // Along the gradient itself, then random directions bent towards it, so that the slope is well above rounding.
      let direction = gradient.map { trial == 0 ? $0 / norm : $0 / norm + 0.02 * random.normal() }
      let length = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let slope = try problem.slope(along: direction.map { $0 / length }) * length
      let predicted = zip(gradient, direction).reduce(0) { $0 + $1.0 * $1.1 }
      #expect(abs(slope - predicted) <= 1e-6 * norm, "\(slope) against \(predicted)")
    }
  }

  /// Single elements of every parameter: a gradient that never arrives at a layer shows here, while the slope
  /// along the others' gradients hides it.
  @Test(arguments: networks) func everyParameterHasItsOwnSlope(_ network: Network) throws {
    let problem = try network.problem()
    let gradient = try problem.gradient()
    let norm = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
    let parameters = problem.session.plan.parameters
    for record in parameters {
      // Two passes an element: of a deep network's many parameters, one each.
      let places = parameters.count > 30 ? [record.count / 2] : [0, record.count / 2, record.count - 1]
      for place in Set(places).sorted() {
        let index = record.offsetInElements + place
        var direction = [Double](repeating: 0, count: gradient.count)
        direction[index] = 1
        let slope = try problem.slope(along: direction)
        let error = abs(slope - gradient[index])
        #expect(
          error <= 1e-6 * norm,
          "\(record.name)[\(place)]: \(slope) against \(gradient[index])")
      }
    }
  }
}
