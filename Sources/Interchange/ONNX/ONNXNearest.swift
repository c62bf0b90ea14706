/// ONNX's rules for the nearest voxel (operator Resize), in its own arithmetic: float32.
struct ONNXNearest {
  enum Rule: String {
    case asymmetric
    case halfPixel = "half_pixel"
    case halfPixelSymmetric = "half_pixel_symmetric"
    case pyTorchHalfPixel = "pytorch_half_pixel"
    case alignCorners = "align_corners"
  }
  enum Rounding: String {
    case floor, ceil
    case preferFloor = "round_prefer_floor"
    case preferCeil = "round_prefer_ceil"
  }
  var rule: Rule
  var rounding: Rounding

  init(rule: Rule, _ rounding: Rounding) {
    self.rule = rule
    self.rounding = rounding
  }

  /// Whether each voxel i of the output is ⌊i·in/out⌋ of the input, as VoxCL's layers have it.
  func agrees(from input: Int, to output: Int, scale: Float) -> Bool {
    (0..<output).allSatisfy { i in
      min(max(Int(rounded(position(i, input, output, scale))), 0), input - 1) == i * input / output
    }
  }

  private func position(_ i: Int, _ input: Int, _ output: Int, _ scale: Float) -> Float {
    switch rule {
    case .asymmetric: Float(i) / scale
    case .halfPixel, .halfPixelSymmetric: (Float(i) + 0.5) / scale - 0.5
    case .pyTorchHalfPixel: output > 1 ? (Float(i) + 0.5) / scale - 0.5 : 0
    case .alignCorners: output > 1 ? Float(i) * Float(input - 1) / Float(output - 1) : 0
    }
  }

  private func rounded(_ position: Float) -> Float {
    switch rounding {
    case .floor: position.rounded(.down)
    case .ceil: position.rounded(.up)
    case .preferFloor: (position - 0.5).rounded(.up)
    case .preferCeil: (position + 0.5).rounded(.down)
    }
  }
}
