import ExecutionPlan
import Interchange
import LayerGraph

extension Checkpoint {
  /// The parameters in a graph's order.
  /// - Throws: `InterchangeError` naming the first one that is missing or has another shape.
  public func parameters(of graph: Graph, path: String) throws(InterchangeError) -> [Float] {
    try ordered(state.weights, graph.parameters.map { ($0.name, $0.shape) }, path: path)
  }

  /// The whole state in a plan's order, to go on training with it.
  /// - Throws: `InterchangeError` where the checkpoint is of another network or optimizer.
  func state(for plan: ExecutionPlan, path: String) throws(InterchangeError) -> TrainingSession.State {
    let wanted = plan.parameters.map { ($0.name, $0.shape) }
    guard wanted.count == parameterRecords.count else {
      throw InterchangeError(
        path: path, problem: "has \(parameterRecords.count) parameters, the recipe's network \(wanted.count)")
    }
    var momentCount = 0
    while plan.tensor("moment.\(momentCount)") != nil { momentCount += 1 }
    guard state.moments.count == momentCount else {
      throw InterchangeError(
        path: path,
        problem: "was written by another optimizer: it has \(state.moments.count) moments, not \(momentCount)"
      )
    }
    let names = bufferRecords.map(\.name)
    guard names == plan.buffers.map(\.name), state.buffers.count == plan.buffers.reduce(0, { $0 + $1.count })
    else {
      throw InterchangeError(
        path: path, problem: "its running statistics are not those of the recipe's network")
    }
    let expectedScalars = Scalar.count - Scalar.lossScale.rawValue
    guard state.deviceScalars.count == expectedScalars else {
      throw InterchangeError(
        path: path, problem: "has \(state.deviceScalars.count) device scalars, expected \(expectedScalars)")
    }
    var result = state
    result.weights = try ordered(state.weights, wanted, path: path)
    for index in state.moments.indices {
      result.moments[index] = try ordered(state.moments[index], wanted, path: path)
    }
    return result
  }

  /// Initial parameters with those of this checkpoint that have the same name and shape: fine-tuning.
  /// - Returns: the parameters and how many tensors were taken over.
  func parameters(over initial: [Float], of plan: ExecutionPlan) -> (values: [Float], taken: Int) {
    var values = initial
    var taken = 0
    for record in plan.parameters {
      guard let own = parameterRecords.first(where: { $0.name == record.name && $0.shape == record.shape })
      else {
        continue
      }
      values.replaceSubrange(
        record.offsetInElements..<record.offsetInElements + record.count,
        with: state.weights[own.offsetInElements..<own.offsetInElements + own.count])
      taken += 1
    }
    return (values, taken)
  }

  private func ordered(
    _ values: [Float], _ wanted: [(name: String, shape: [Int])], path: String
  ) throws(InterchangeError) -> [Float] {
    let places = Dictionary(parameterRecords.map { ($0.name, $0) }, uniquingKeysWith: { a, _ in a })
    var result: [Float] = []
    result.reserveCapacity(values.count)
    for (name, shape) in wanted {
      guard let record = places[name] else {
        throw InterchangeError(path: path, problem: "lacks the parameter \(name)")
      }
      guard record.shape == shape else {
        throw InterchangeError(
          path: path, problem: "parameter \(name) has shape \(record.shape), expected \(shape)")
      }
      result += values[record.offsetInElements..<record.offsetInElements + record.count]
    }
    return result
  }
}
