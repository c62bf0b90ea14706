import ExecutionPlan
import GraphCompiler

/// The scratch arena over time: operations across, offsets up, one bar a tensor.
struct ArenaMap {
  let tensors: [TensorSpan]
  let arenaBytes: Int
  let calls: [Call]
  let peakStep: Int

  private static let roles: [(role: String, name: String, colour: String)] = [
    ("input", "inputs and targets", "#009e73"), ("activation", "activations", "#0072b2"),
    ("again", "made again", "#d55e00"), ("gradient", "gradients", "#e69f00"), ("statistics", "statistics", "#cc79a7"),
    ("workspace", "workspace", "#999999"), ("output", "outputs", "#56b4e9"),
  ]

  private static func role(_ tensor: TensorSpan) -> String {
    tensor.isRemade && tensor.role != "workspace" ? "again" : tensor.role
  }

  var html: String {
    let (width, height) = (1180.0, 460.0)
    let (left, right, top, bottom) = (62.0, 16.0, 22.0, 40.0)
    let steps = max(1, calls.count)
    func x(_ step: Int) -> Double { left + Double(step) / Double(steps) * (width - left - right) }
    func y(_ offset: Double) -> Double {
      height - bottom - offset / Double(max(1, arenaBytes)) * (height - top - bottom)
    }
    var body = ""
    let ticks = Ticks(0, Double(max(1, arenaBytes)) / 1_048_576, most: 6)
    for tick in ticks.values where tick * 1_048_576 <= Double(arenaBytes) * 1.001 {
      let at = y(tick * 1_048_576)
      body +=
        svgLine("grid", from: (left, at), to: (width - right, at))
        + svgText("tick", "\(short(tick)) MiB", x: left - 8, y: at + 4, anchor: .end)
    }
    body += passes(x, top: top, bottom: height - bottom)
    for tensor in tensors where tensor.sizeInBytes > 0 {
      let (x0, x1) = (x(tensor.lower), x(tensor.upper))
      let (y0, y1) = (y(Double(tensor.offsetInBytes + tensor.sizeInBytes)), y(Double(tensor.offsetInBytes)))
      let colour = Self.roles.first { $0.role == Self.role(tensor) }?.colour ?? "#777777"
      body +=
        "<rect x=\"\(short(x0))\" y=\"\(short(y0))\" width=\"\(short(max(0.4, x1 - x0)))\" "
        + "height=\"\(short(max(0.3, y1 - y0)))\" fill=\"\(colour)\" fill-opacity=\".8\" stroke=\"#fff\" "
        + "stroke-opacity=\".55\" stroke-width=\".4\"><title>\(escaped(tensor.name))"
        + (tensor.layer == tensor.name ? "" : " of \(escaped(tensor.layer))")
        + ": \(byteCount(tensor.sizeInBytes)) at \(tensor.offsetInBytes), operations \(tensor.lower) to "
        + "\(tensor.upper - 1)</title></rect>"
    }
    let peak = (x(peakStep) + x(peakStep + 1)) / 2
    let isLate = peak > width * 0.8
    body +=
      svgLine("mark", from: (peak, top - 6), to: (peak, height - bottom))
      + svgText("marktext", "peak", x: peak + (isLate ? -6 : 6), y: top - 8, anchor: isLate ? .end : .start)
      + svgText("tick", "operation", x: (left + width - right) / 2, y: height - 5)
    let present = Self.roles.filter { role in tensors.contains { Self.role($0) == role.role } }
    return "<figure class=\"chart\">"
      + "<svg class=\"arena\" viewBox=\"0 0 \(short(width)) \(short(height))\">\(body)</svg>"
      + "<p class=\"legend\">"
      + present.map { "<span><i style=\"background:\($0.colour)\"></i>\($0.name)</span>" }.joined()
      + "</p></figure>"
  }

  /// Where forward, loss, backward and update begin.
  private func passes(_ x: (Int) -> Double, top: Double, bottom: Double) -> String {
    var marks = ""
    var lastX = -1e9
    for (step, call) in calls.enumerated() where step == 0 || calls[step - 1].pass != call.pass {
      // A single call of another kind, such as clearing the gradients first, is no pass of its own.
      guard step + 1 < calls.count, calls[step + 1].pass == call.pass || call.pass == .loss else { continue }
      let at = x(step)
      marks += svgLine("grid", from: (at, top), to: (at, bottom))
      guard at - lastX > 34 else { continue }
      lastX = at
      let isLast = step > calls.count * 19 / 20
      marks += svgText(
        "tick", call.pass.rawValue, x: at + (isLast ? -3 : 3), y: bottom + 16, anchor: isLast ? .end : .start)
    }
    return marks
  }
}
