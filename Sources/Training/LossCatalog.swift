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
    Entry(
      name: "squared-dice",
      formula: "dice with Σ_v p² and Σ_v y² in place of Σ_v p and Σ_v y",
      loss: make {
        $0.region = .dice
        $0.regionWeight = 1
        $0.isSquared = true
      }),
    Entry(
      name: "generalised-dice",
      formula:
        "1 − mean over samples of (2·Σ_c w_c Σ_v y·p + ε)/(Σ_c w_c (Σ_v y + Σ_v p) + ε), w_c = 1/(Σ_v y)², of absent "
        + "classes the largest of the others; p = softmax, ε = 1e-5",
      loss: make {
        $0.region = .generalisedDice
        $0.regionWeight = 1
      }),
    Entry(
      name: "tversky",
      formula:
        "1 − mean over samples and classes of (I + ε)/(I + α·(Σ_v p − I) + β·(Σ_v y − I) + ε), I = Σ_v y·p, "
        + "p = softmax, α = β = 0.5, ε = 1e-5",
      loss: make {
        $0.region = .tversky
        $0.regionWeight = 1
      }),
    Entry(
      name: "soft-jaccard",
      formula: "1 − mean over samples and classes of (I + ε)/(Σ_v y + Σ_v p − I + ε), I = Σ_v y·p, p = softmax, ε = 1e-5",
      loss: make {
        $0.region = .jaccard
        $0.regionWeight = 1
      }),
    Entry(
      name: "focal",
      formula: "Σ_v w(y_v)·(1 − p_v(y_v))^γ·(−log p_v(y_v)) / Σ_v w(y_v), p = softmax, γ = 2",
      loss: make {
        $0.entropy = .focal
        $0.entropyWeight = 1
      }),
    Entry(
      name: "focal-bce",
      formula:
        "mean over elements of −y·(1 − p)^γ·log p − (1 − y)·p^γ·log(1 − p), p = sigmoid, γ = 2; target N×C×D×H×W",
      loss: make {
        $0.sigmoid = true
        $0.entropy = .focal
        $0.entropyWeight = 1
      }),
    Entry(
      name: "clipped-cce",
      formula: "mean over voxels of −w(y_v)·log clip(p_v(y_v), 1e-7, 1 − 1e-7), p = softmax: Keras's, S0's code",
      loss: make {
        $0.entropy = .clipped
        $0.entropyWeight = 1
        $0.isMeanOverVoxels = true
      }),
    Entry(
      name: "softmax-twice",
      formula: "cross-entropy of softmax(p), p = softmax: probabilities fed as logits, S3's code",
      loss: make {
        $0.entropy = .twice
        $0.entropyWeight = 1
      }),
    Entry(
      name: "dice-softmax-twice",
      formula: "dice + λ·softmax-twice, λ = 0.2: S3's recommendation as its code computes it",
      loss: make {
        $0.region = .dice
        $0.regionWeight = 1
        $0.entropy = .twice
        $0.entropyWeight = 0.2
      }),
    Entry(
      name: "weighted-ce",
      formula: "mean over voxels that count of w(y_v)·(−log p_v(y_v)), p = softmax: S4's",
      loss: make {
        $0.entropyWeight = 1
        $0.isMeanOverVoxels = true
      }),
    Entry(
      name: "linear",
      formula: "mean over elements of y·z, z the logits, y of any sign: for comparing gradients; target N×C×D×H×W",
      loss: make {
        $0.sigmoid = true
        $0.entropy = .linear
        $0.entropyWeight = 1
      }),
  ]

  public static func named(_ name: String) -> Loss? { all.first { $0.name == name }?.loss }

  private static func make(_ change: (inout Loss) -> Void) -> Loss {
    var loss = Loss()
    change(&loss)
    return loss
  }
}
