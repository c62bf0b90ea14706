import CPUBackend
import ExecutionPlan
import Foundation
import GraphCompiler
import LayerGraph
import OpenCLBackend
import Testing
import Training

/// Networks that nobody drew. VOXCL_RANDOM_NETWORKS=FIRST..<END takes other seeds than those of every run.
@Suite struct RandomNetworkTests {
  static func seeds(_ usual: Range<UInt64>) -> Range<UInt64> {
    let bounds = (ProcessInfo.processInfo.environment["VOXCL_RANDOM_NETWORKS"] ?? "").split(separator: ".")
    guard bounds.count == 2, let first = UInt64(bounds[0]), let end = UInt64(bounds[1].drop { $0 == "<" }) else {
      return usual
    }
    return first..<max(first, end)
  }

  /// The gradient against central differences, in double precision: one element of each parameter.
  @Test(arguments: seeds(0..<60)) func gradientIsTheLosssSlope(_ seed: UInt64) throws {
    let network = try RandomNetwork(seed: seed)
    let problem = try GradientProblem(network.graph, loss: network.loss)
    let gradient = try problem.gradient()
    let norm = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
    for (i, record) in problem.session.plan.parameters.enumerated() {
      let index = record.offsetInElements + (Int(seed) + 7 * i) % record.count
      var direction = [Double](repeating: 0, count: gradient.count)
      direction[index] = 1
      var errors: [Double] = []
      for h in [1e-6, 1e-7, 1e-8] where errors.allSatisfy({ !($0 <= 1e-6 * norm) }) {  // a step may cross a kink
        errors.append(try abs(problem.slope(along: direction, h: h) - gradient[index]))
      }
      #expect(
        errors.contains { $0 <= 1e-6 * norm },
        "\(record.name): \(gradient[index]) of \(norm), off by \(errors)\n\(network)")
    }
  }

  /// What the compiler may choose changes no gradient: no bit where only places and recomputation differ, roundings where
  /// the algorithm does.
  @Test(arguments: seeds(100..<160)) func choicesChangeNoGradient(_ seed: UInt64) throws {
    let network = try RandomNetwork(seed: seed)
    func gradient(_ change: (inout CompilerOptions) -> Void) throws -> [Double] {
      try GradientProblem(network.graph, loss: network.loss, change).gradient()
    }
    let usual = try gradient { _ in }
    let norm = usual.reduce(0) { $0 + $1 * $1 }.squareRoot()
    #expect(try gradient { $0.isolatesTensors = true } == usual, "isolated\n\(network)")
    #expect(try gradient { $0.savesAll = true } == usual, "saves all\n\(network)")
    #expect(try gradient { $0.recomputesKeepBits = false } == usual, "kept bits\n\(network)")
    let options = try TestNetworks.training(network.loss, dropout: true)
    let device = try CPUDevice(instructionSet: .real64).description
    let least = try memoryTimeCurve(of: network.graph, options: options, device: device).last?.bytes
    #expect(try gradient { $0.memoryBudget = least } == usual, "in \(least ?? 0) bytes\n\(network)")
    for algorithm in [ConvolutionAlgorithm.direct, .winograd] {
      let other = try gradient { $0.algorithm = algorithm }
      let error = zip(other, usual).reduce(0) { max($0, abs($1.0 - $1.1)) }
      #expect(error <= 1e-9 * norm, "\(algorithm): off by \(error) of \(norm)\n\(network)")
    }
  }

  /// Kernels of both backends against double precision, and without what is saved.
  @Test(
    .enabled(if: !OpenCLDevice.all().isEmpty, "no OpenCL device here"), arguments: seeds(200..<204))
  func backendsAgree(_ seed: UInt64) throws {
    let network = try RandomNetwork(seed: seed)
    func gradient(_ device: any Device, _ change: (inout CompilerOptions) -> Void = { _ in }) throws -> [Float] {
      let options = try TestNetworks.training(network.loss, dropout: true, change)
      let plan = try compile(network.graph, options: options, device: device.description).plan
      let session = try TrainingSession(
        device.load(plan), parameters: GradientProblem.start(network.graph), optimizer: OptimizerSettings(), seed: 11)
      let isSigmoid = try #require(options.training).loss.sigmoid
      return try TestNetworks.gradients(session, GradientProblem.batch(network.graph, isSigmoid: isSigmoid)).values
    }
    let expected = try GradientProblem(network.graph, loss: network.loss).gradient().map { Float($0) }
    for precision in Precision.allCases {
      for device: any Device in [try CPUDevice(threads: 2), OpenCLDevice.all()[0]] {
        let usual = try gradient(device) { $0.precision = precision }
        let error = TestNetworks.error(usual, expected)
        let name = "\(precision) on \(device.description.name)"
        #expect(error <= (precision == .mixed ? 2e-2 : 1e-3), "\(name): off by \(error)\n\(network)")
        let all = try gradient(device) {
          $0.precision = precision
          $0.savesAll = true
        }
        #expect(all == usual, "\(name)\n\(network)")
      }
    }
  }
}
