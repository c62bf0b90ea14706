import FoundationEssentials
import GraphCompiler

/// A plan's memory as a page: every tensor's place and time, the bytes alive, and the table of layers.
public enum ProfileReport {
  /// - Throws: `ReportError` where the file cannot be written.
  public static func write(_ profile: MemoryProfile, _ compilation: Compilation, to path: String)
    throws(ReportError)
  {
    try writeReport(html(profile, compilation), to: path)
  }

  static func html(_ profile: MemoryProfile, _ compilation: Compilation) -> String {
    let memory = compilation.memory
    let calls = compilation.plan.programs.flatMap(\.calls)
    let live = memory.liveBytes(steps: calls.count)
    let peak = live.indices.max { live[$0] < live[$1] } ?? 0
    var cards: [(title: String, value: String, note: String)] = [
      (
        "predicted peak", byteCount(profile.predictedPeakBytes),
        "\(profile.predictedPeakBytes) bytes, all in all"
      ),
      (
        "scratch arena", byteCount(memory.arenaBytes),
        "lower bound \(byteCount(memory.lowerBoundBytes)), \(memory.method)"
      ),
      ("state", byteCount(profile.stateBytes), "weights, gradients, moments, scalars"),
      ("parameters", "\(profile.parameterBytes / 4)", byteCount(profile.parameterBytes)),
    ]
    if let allocated = profile.allocatedBytes {
      let isEqual = allocated == profile.predictedPeakBytes
      cards.insert(
        (
          "allocated on \(profile.device ?? "the device")", byteCount(allocated),
          isEqual
            ? "equal to the prediction, byte for byte" : "\(allocated - profile.predictedPeakBytes) bytes off"
        ), at: 1)
    }
    if let again = profile.recompute {
      cards.append(
        (
          "to fit", "\(again.remade.count) tensors made again",
          "\(again.overlaid.count) convolutions over their input in slabs; by the model "
            + "\(fixed(100 * again.extraTime, 1)) % more time, at least \(fixed(100 * again.leastExtraTime, 1)) %"
        ))
    }
    if let seconds = profile.secondsPerStep {
      cards.append(("one step", "\(fixed(seconds, 3)) s", "sum of the median times of its calls"))
    }
    let mode = profile.mode == "train" ? "training step" : "prediction"
    let label = peak < calls.count ? calls[peak].label : ""
    var chart = LineChart(
      title: "Bytes alive, step by step (MiB)", xTitle: "operation",
      series: [
        LineChart.Series(
          name: "alive", colour: "#0072b2",
          points: live.enumerated().map { (Double($0.offset), Double($0.element) / 1_048_576) })
      ], yLimits: 0...Double(max(1, memory.arenaBytes)) / 1_048_576, isArea: true,
      mark: (Double(live.isEmpty ? 0 : live[peak]) / 1_048_576, "peak at operation \(peak): \(label)"))
    chart.width = 1180
    chart.height = 230
    return HTMLPage.text(
      title: "\(profile.model): memory of a \(mode)",
      subtitle:
        "input \(profile.input.map(String.init).joined(separator: "×")) (N×C×D×H×W), \(profile.precision)"
        + (profile.device.map { ", measured on \($0)" } ?? ", no device touched"),
      body: HTMLPage.cards(cards)
        + HTMLPage.section(
          "Arena map",
          ArenaMap(tensors: memory.tensors, arenaBytes: memory.arenaBytes, calls: calls, peakStep: peak).html,
          note:
            "Each bar is a tensor: from the operation that writes it to the last that reads it, at its place in "
            + "the scratch arena. Long bars that span the loss are what the backward pass keeps: skips and saved "
            + "activations.")
        + HTMLPage.section("Bytes alive", chart.svg)
        + curve(profile)
        + HTMLPage.section(
          "Layers", table(profile),
          note:
            "MiB. Stored by the forward pass, saved for the backward pass and for which call, workspace, alive at the "
            + "peak; what making the layer's tensors again would free, and its share of a step's time. "
            + limitText(profile) + "Click a head to sort."))
  }

  private static func limitText(_ profile: MemoryProfile) -> String {
    guard let limits = profile.limits else { return "" }
    return "% of limit: the least time at \(fixed(limits.flopsPerSecond / 1e9, 0)) GFLOP/s and "
      + "\(fixed(limits.bytesPerSecond / 1e9, 1)) GB/s, both measured on this device, over the time taken; above 100 where "
      + "Winograd needs fewer operations than are counted or a cache still holds the tensor. "
  }

  /// What less memory would cost.
  private static func curve(_ profile: MemoryProfile) -> String {
    guard let points = profile.curve, points.count > 1 else { return "" }
    func place(_ bytes: Int, _ time: Double) -> (x: Double, y: Double) { (Double(bytes) / 1_073_741_824, 100 * time) }
    var chart = LineChart(
      title: "More time for a step (%, by the model of the device) against all bytes (GiB)", xTitle: "GiB",
      series: [
        LineChart.Series(
          name: "cheapest known plans", colour: "#0072b2",
          points: points.reversed().map { place($0.bytes, $0.extraTime) }, showsDots: true),
        LineChart.Series(
          name: "this plan", colour: "#d55e00",
          points: [place(profile.predictedPeakBytes, profile.recompute?.extraTime ?? 0)], width: 5, showsDots: true),
      ])
    chart.width = 1180
    return HTMLPage.section(
      "Memory and time", chart.svg,
      note: "What --memory-budget chooses from: tensors are dropped after the forward pass and made again, and convolutions "
        + "write over their input in slabs; no bit changes.")
  }

  private static func table(_ profile: MemoryProfile) -> String {
    func mib(_ bytes: Int) -> String { fixed(Double(bytes) / 1_048_576, 2) }
    let isTimed = profile.layers.contains { $0.forwardSeconds != nil }
    // What was measured stands first: a window is narrower than the table.
    var header = ["layer", "operation", "output"]
    if isTimed { header += ["forward ms", "backward ms", "GFLOP/s", "% of limit"] }
    header += [
      "parameters", "stored", "saved", "workspace", "at peak", "GFLOP", "if made again", "% time", "kept for",
    ]
    let rows = profile.layers.map { layer in
      var row = [layer.name, layer.op, layer.shape.map(String.init).joined(separator: "×")]
      if isTimed {
        let (forward, backward) = (layer.forwardSeconds ?? 0, layer.backwardSeconds ?? 0)
        let seconds = forward + backward
        row += [
          fixed(1000 * forward, 2), fixed(1000 * backward, 2),
          seconds > 0 && layer.flops > 0 ? fixed(Double(layer.flops) / seconds / 1e9, 0) : "–",
          layer.shareOfLimit.map { fixed(100 * $0, 0) } ?? "–",
        ]
      }
      row += [
        mib(layer.parameterBytes), mib(layer.activationBytes), mib(layer.savedBytes), mib(layer.workspaceBytes),
        mib(layer.peakBytesAt), fixed(Double(layer.flops) / 1e9, 2),
        layer.remakeBytes > 0 ? "−" + mib(layer.remakeBytes) : "–",
        layer.remakeBytes > 0 ? "+" + fixed(100 * layer.remakeTime, 2) : "–", layer.keptFor,
      ]
      return row
    }
    return HTMLPage.table(header, rows, numbersFrom: 3)
  }
}

/// A report could not be written.
public struct ReportError: Error, CustomStringConvertible, Sendable {
  public var path: String
  public var problem: String
  public var description: String { "\(path): \(problem)" }
}

/// Through a temporary name: a reader never sees half a page.
func writeReport(_ text: String, to path: String) throws(ReportError) {
  do { try Data(text.utf8).write(to: URL(filePath: path), options: .atomic) } catch {
    throw ReportError(path: path, problem: "the report cannot be written")
  }
}
