import ExecutionPlan

/// Tiles of `conv3d_winograd`.
enum WinogradTiling {
  static func choose(_ s: ConvolutionTiling.Shape, device: DeviceDescription) -> ConvolutionTiling? { nil }
}
