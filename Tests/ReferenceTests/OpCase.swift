import GraphCompiler
import LayerGraph
import Testing

/// Where an operation's inputs and outputs lie in memory.
enum Surroundings: String, Sendable, CustomTestStringConvertible {
  /// Between the network's input and output, both planar.
  case alone
  /// Between two 1×1×1 convolutions by the identity, exact in fp32: blocked tensors from 9 channels on, and the
  /// steps that a convolution's epilogue and load fuse.
  case betweenConvolutions
  var testDescription: String { rawValue }
}

/// A case of `ops` as a graph on one input. Inputs of an operation with several are channels of one tensor, taken
/// apart by 1×1×1 convolutions that select them.
struct OpCase {
  let values: ReferenceValues
  let graph: Graph
  /// N×C×D×H×W of the graph's input, and its elements.
  let input: [Float]
  /// Flat, in the graph's order.
  let parameters: [Float]
  /// Of the case's own parameters in the flat array.
  let ownParameters: [Range<Int>]
  private let parts: [InputPart]

  /// A case's input within the graph's: its channels and the corner of its extents.
  private struct InputPart {
    var name: String
    var shape: Shape
    var firstChannel = 0
    var corner = Extent(0, 0, 0)
  }

  init(_ values: ReferenceValues, _ surroundings: Surroundings) throws {
    self.values = values
    let parts = try Self.parts(values)
    self.parts = parts
    let whole = Shape(
      batch: parts[0].shape.batch, channels: parts.reduce(0) { $0 + $1.shape.channels },
      extent: parts[0].shape.extent)
    let operation = try Operation(values)
    let graph = try Graph("op", input: whole) { _, x in
      var inputs = [x]
      if parts.count > 1 {
        inputs = parts.enumerated().map { index, part in
          x.conv(part.shape.channels, kernel: 1, bias: false, name: "select.\(index)").crop(to: part.shape.extent)
        }
      } else if surroundings == .betweenConvolutions {
        inputs = [x.conv(x.channels, kernel: 1, bias: false, name: "before")]
      }
      let y = operation.apply(inputs)
      if surroundings == .betweenConvolutions {
        return y.conv(y.channels, kernel: 1, bias: false, name: "behind")
      }
      // Not the network's last activation, which would belong to the loss.
      return operation.endsInLossActivation ? y.crop(to: y.extent) : y
    }
    self.graph = graph

    var own = try values.parameters()[...]
    var flat: [Float] = []
    var ranges: [Range<Int>] = []
    for parameter in graph.parameters {
      let path = parameter.name.split(separator: "/")[0]
      switch path {
      case "before", "behind":
        flat += Self.selection(from: 0, outputs: parameter.shape[0], inputs: parameter.shape[1])
      case _ where path.hasPrefix("select."):
        let part = parts[try #require(Int(path.dropFirst("select.".count)))]
        flat += Self.selection(from: part.firstChannel, outputs: parameter.shape[0], inputs: parameter.shape[1])
      default:
        let next = own.popFirst()
        let given = try #require(next, "more parameters than the case has")
        try #require(given.count == parameter.count)
        ranges.append(flat.count..<flat.count + given.count)
        flat += given
      }
    }
    try #require(own.isEmpty)
    parameters = flat
    ownParameters = ranges

    var input = [Float](repeating: 0, count: whole.count)
    for part in parts {
      for (place, value) in zip(Self.places(part, in: whole), try values.floats(part.name)) {
        input[place] = value
      }
    }
    self.input = input
  }

  /// The gradient with respect to each of the case's inputs, by name, from that of the graph's.
  func inputGradients(_ whole: [Float]) -> [(name: String, gradient: [Float])] {
    parts.map { part in (part.name, Self.places(part, in: graph.inputShape).map { whole[$0] }) }
  }

  /// O×I×1×1×1 that takes input channels from `first` on.
  private static func selection(from first: Int, outputs: Int, inputs: Int) -> [Float] {
    (0..<outputs * inputs).map { $0 % inputs == first + $0 / inputs ? 1 : 0 }
  }

  private static func places(_ part: InputPart, in whole: Shape) -> [Int] {
    var places: [Int] = []
    let (size, all) = (part.shape.extent, whole.extent)
    for n in 0..<part.shape.batch {
      for c in 0..<part.shape.channels {
        for d in 0..<size.d {
          for h in 0..<size.h {
            let plane = (n * whole.channels + part.firstChannel + c) * all.d + part.corner.d + d
            let row = (plane * all.h + part.corner.h + h) * all.w + part.corner.w
            places += row..<row + size.w
          }
        }
      }
    }
    return places
  }

  private static func parts(_ values: ReferenceValues) throws -> [InputPart] {
    var parts: [InputPart] = []
    var firstChannel = 0
    while true {
      let name = values.has("input") ? "input" : "input.\(parts.count)"
      guard values.has(name) else { break }
      let shape = try values.volume(name)
      var part = InputPart(name: name, shape: shape, firstChannel: firstChannel)
      // A smaller input lies in the centre of the first one's extents, where the graph crops it out.
      if let first = parts.first { part.corner = first.shape.extent.map(shape.extent) { ($0 - $1) / 2 } }
      parts.append(part)
      firstChannel += shape.channels
      if values.has("input") { break }
    }
    try #require(!parts.isEmpty, "no input")
    return parts
  }
}
