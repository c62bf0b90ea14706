import GraphCompiler

/// The losses by name, as recipes and `voxcl step` spell them.
public enum LossCatalog {
  public struct Entry: Sendable {
    public var name: String
    public var formula: String
    public var loss: Loss
  }

  public static let all: [Entry] = [
    Entry(
      name: "cross-entropy",
      formula: "Σ_v w(y_v)·(−log p_v(y_v)) / Σ_v w(y_v), p = softmax; ignored voxels count nowhere",
      loss: make { $0.entropyWeight = 1 }),
    Entry(
      name: "dice",
      formula: "1 − mean over samples and classes of (2·Σ_v y·p + ε)/(Σ_v y + Σ_v p + ε), p = softmax, ε = 1e-5",
      loss: make {
        $0.region = .dice
        $0.regionWeight = 1
      }),
    Entry(
      name: "dice-ce", formula: "dice + λ·cross-entropy, λ = 1",
      loss: make {
        $0.region = .dice
        $0.regionWeight = 1
        $0.entropyWeight = 1
      }),
    Entry(
      name: "bce",
      formula: "mean over elements of −y·log p − (1 − y)·log(1 − p), p = sigmoid; target N×C×D×H×W",
      loss: make {
        $0.sigmoid = true
        $0.entropyWeight = 1
      }),
    Entry(
      name: "dice-bce", formula: "dice with p = sigmoid, + bce; target N×C×D×H×W",
      loss: make {
        $0.sigmoid = true
        $0.region = .dice
        $0.regionWeight = 1
        $0.entropyWeight = 1
      }),
    Entry(
      name: "jaccard",
      formula:
        "100·(1 − mean over channels of (Σ y·p + 100)/(Σ y + Σ p − Σ y·p + 100)), sums over batch and voxels, "
        + "p = sigmoid; target N×C×D×H×W",
      loss: make {
        $0.sigmoid = true
        $0.region = .jaccard
        $0.regionWeight = 100
        $0.epsilon = 100
        $0.isOverBatch = true
      }),
  ]

  public static func named(_ name: String) -> Loss? { all.first { $0.name == name }?.loss }

  private static func make(_ change: (inout Loss) -> Void) -> Loss {
    var loss = Loss()
    change(&loss)
    return loss
  }
}
