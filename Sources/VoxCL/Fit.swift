import ExecutionPlan
import GraphCompiler
import LayerGraph

/// A way to run a network within a number of bytes.
public struct FitOption: Codable, Sendable {
  /// N×C×D×H×W.
  public var input: [Int]
  public var precision: String
  /// All that the device allocates.
  public var bytes: Int
  /// Time of what must be made again, as a share of a step that had the memory, by the compiler's model of the device.
  public var extraTime: Double

  public var patchVoxels: Int { input[2...].reduce(1, *) }
}

/// Finds the largest patch that fits: for each precision and number of patches a batch, of the network's own
/// proportions, in steps that its levels divide.
public struct FitSolver {
  private let graph: (Shape) throws -> Graph
  private let start: Shape
  private let options: CompilerOptions
  private let device: DeviceDescription
  /// Smallest number of voxels by which each axis may change; 0 where it may not.
  private let steps: [Int]

  /// - Parameters:
  ///   - start: Shape that is known to work; its extents are the proportions of the patch.
  ///   - graph: The network for a shape; throws where its levels do not divide it.
  ///   - options: With `training` a step, else a forward pass. The precision is overwritten.
  public init(
    start: Shape, options: CompilerOptions, device: DeviceDescription, graph: @escaping (Shape) throws -> Graph
  ) {
    (self.start, self.options, self.device, self.graph) = (start, options, device, graph)
    steps = (0..<3).map { axis in
      guard start.extent.axes[axis] > 1 else { return 0 }
      return [1, 2, 4, 8, 16, 32, 64].first { step in
        var axes = start.extent.axes
        axes[axis] += step
        return (try? graph(Shape(batch: start.batch, channels: start.channels, extent: Extent(axes)))) != nil
      } ?? 0
    }
  }

  /// The best option of each precision and batch: those with the network's own batch first, then the larger batches,
  /// each by voxels of the patch; of equal patches the faster one. Empty where not even the smallest patch fits.
  public func options(limit: Int, precisions: [Precision]) throws -> [FitOption] {
    let batches = Set([start.batch, 1, max(1, start.batch / 2), 2 * start.batch]).sorted()
    var found: [FitOption] = []
    for precision in precisions {
      for batch in batches {
        if let option = try largest(limit, precision, batch) { found.append(option) }
      }
    }
    func rank(_ o: FitOption) -> (Int, Int, Double) {
      (o.input[0] == start.batch ? 0 : o.input[0] > start.batch ? 1 : 2, -o.patchVoxels, o.extraTime)
    }
    return found.sorted { rank($0) < rank($1) }
  }

  private func largest(_ limit: Int, _ precision: Precision, _ batch: Int) throws -> FitOption? {
    let shapes = shapes(batch)
    var fits: FitOption?
    var (low, high) = (0, shapes.count)
    while low < high {
      let middle = (low + high) / 2
      if let option = try option(shapes[middle], precision, limit) {
        fits = option
        low = middle + 1
      } else {
        high = middle
      }
    }
    return fits
  }

  private func option(_ shape: Shape, _ precision: Precision, _ limit: Int) throws -> FitOption? {
    var options = options
    options.precision = precision
    options.memoryBudget = limit
    do {
      let compilation = try compile(try graph(shape), options: options, device: device)
      let bytes = compilation.plan.allocatedBytes
      guard bytes <= limit else { return nil }
      return FitOption(
        input: shape.axes, precision: precision.rawValue, bytes: bytes,
        extraTime: compilation.memory.recompute?.extraTime ?? 0)
    } catch let error as CompilerError where error.isTooLarge {
      return nil
    }
  }

  /// Patches of the start's proportions, from an eighth of its edges to eight times them, that the network takes.
  private func shapes(_ batch: Int) -> [Shape] {
    var shapes: [Shape] = []
    var scale = 1.0 / 8
    while scale <= 8 {
      let axes = zip(start.extent.axes, steps).map { extent, step in
        step == 0 ? extent : extent + Int((Double(extent) * (scale - 1) / Double(step)).rounded()) * step
      }
      scale *= 1.03
      guard axes.allSatisfy({ $0 > 0 }) else { continue }
      let shape = Shape(batch: batch, channels: start.channels, extent: Extent(axes))
      if shape != shapes.last, (try? graph(shape)) != nil { shapes.append(shape) }
    }
    return shapes
  }
}
