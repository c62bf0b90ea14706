import ExecutionPlan

/// A tensor before it has a place.
struct VirtualTensor {
  enum Role: String { case state, input, activation, gradient, statistics, workspace, output }

  var name: String
  var shape: [Int]
  var layout: Layout
  var type: ScalarType
  var sizeInBytes: Int
  var role: Role
  /// Path of the layer that it belongs to.
  var layer: String
  /// Place in the state arena; nil for scratch.
  var stateOffset: Int?
  /// It holds what another one held, made once more.
  var isRemade = false
}

struct TensorID: Hashable {
  var index: Int
}

/// A word of a call before placement.
enum Word {
  case operand(TensorID, offsetInBytes: Int)
  case absent
  case integer(Int)

  static func float(_ value: Double) -> Word { .integer(Int(Float(value).bitPattern)) }
}

/// A call before placement.
struct ScheduledCall {
  var kernel: Kernel
  var words: [Word]
  var groups: Int
  var layer: String
  var pass: Call.Pass
  var label: String
  var flops: Int
  var traffic: Int

  var tensors: [TensorID] {
    words.compactMap { word in
      if case .operand(let id, _) = word { return id }
      return nil
    }
  }
}

struct ScheduledProgram {
  var name: ProgramName
  var calls: [ScheduledCall] = []
  /// Live from the program's start (written by the host) or to its end (read by it).
  var inputs: [TensorID] = []
  var outputs: [TensorID] = []
}

extension Layout {
  static func bytes(_ shape: [Int], _ layout: Layout, _ type: ScalarType) -> Int {
    let voxels = shape.dropFirst(2).reduce(1, *)
    let elements =
      switch layout {
      case .blocked: shape[0] * ((shape[1] + 15) / 16) * 16 * voxels
      case .planar, .flat: shape.reduce(1, *)
      }
    return elements * type.sizeInBytes
  }
}
