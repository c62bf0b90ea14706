import FoundationEssentials
import Testing
import Volumes

@testable import Training

/// A folder of its own for one test, removed with it.
final class Workspace {
  let path: String

  init() throws {
    path =
      FileManager.default.temporaryDirectory.path + "/voxcl-training-tests-\(UInt64.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { "\(path)/\(name)" }

  @discardableResult
  func write(_ text: String, _ name: String) throws -> String {
    let path = file(name)
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(filePath: path))
    return path
  }

  func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(filePath: file(name))) }

  /// Small phantoms under `data/images` and `data/labels`.
  func makePhantoms(_ count: Int, size: SIMD3<Int> = SIMD3(24, 24, 16)) throws {
    for folder in ["data/images", "data/labels"] {
      try FileManager.default.createDirectory(atPath: file(folder), withIntermediateDirectories: true)
    }
    for index in 0..<count {
      let phantom = try Phantom.make(
        seed: UInt64(index), size: size, spacingInMillimetres: SIMD3(12, 12, 16))
      try NiftiFile.write(phantom.image, to: file("data/images/p\(index).nii.gz"))
      try NiftiFile.writeLabels(phantom.labels, to: file("data/labels/p\(index).nii.gz"))
    }
  }

  /// A recipe that trains in a moment: dropout, batch norm, two micro-batches, augmentation, validation.
  func recipe(_ overrides: [String] = []) throws -> Recipe {
    let path = try write(
      """
      // A comment, and trailing commas.
      {
        "name": "tiny",
        "data": {
          "folder": "data",
          "classes": {"background": 0, "liver": 1, "tumour": 2, "kidneys": 3, "spine": 4},
          "split": {"folds": 3, "seed": 1},
        },
        "preprocessing": [{"normalise": {"window": [-150, 250]}}],
        "sampler": {"patch": [16, 16, 8], "batch": 2, "microBatches": 2, "foreground": 0.5},
        "augmentation": {
          "leftRightFlipProbability": 0.5, "rotationProbability": 0.5, "rotationInDegrees": [10, 10, 10],
          "noiseProbability": 0.5, "noiseStandardDeviationRange": [0, 0.1],
        },
        "model": {"widths": [4, 8], "norm": "batch", "dropout": 0.2},
        "loss": {"name": "dice-ce"},
        "optimizer": {"name": "adamw", "learningRate": 3e-3, "weightDecay": 1e-2},
        "schedule": {"name": "plateau", "patience": 0, "factor": 0.5},
        "training": {"steps": 10, "validateEvery": 3, "checkpointEvery": 4},
        "seed": 7,
      }
      """, "tiny.json")
    return try Recipe.read(path, overrides: overrides)
  }
}

/// The folder of the repository.
let repository: String = {
  let parts = #filePath.split(separator: "/").dropLast(3)
  return "/" + parts.joined(separator: "/")
}()
