/// What was measured to be fastest for convolutions of one device, by the key of the convolution
/// (`ConvolutionTiling.key`). Only what changes no bit is in it: register blocks and tiles, not the algorithm.
public struct TuningTable: Sendable, Codable, Equatable {
  public var choices: [String: Choice]

  public struct Choice: Sendable, Codable, Hashable {
    /// OB: channel blocks of the output whose sums are in registers at once.
    public var outputBlocks: Int
    /// T: voxels of a row in registers; Winograd's TW: tiles of a set.
    public var run: Int
    /// [tileD, tileH, tileW] of a direct convolution; nil for Winograd's.
    public var tile: [Int]?

    public init(outputBlocks: Int, run: Int, tile: [Int]? = nil) {
      self.outputBlocks = outputBlocks
      self.run = run
      self.tile = tile
    }
  }

  public init(choices: [String: Choice] = [:]) { self.choices = choices }
}
