import FoundationEssentials
import GraphCompiler
import Interchange
import LayerGraph
import Testing
import Training

@testable import VoxCL

@Suite struct NetworkTopologyTests {
  /// Held against nnU-Net's own code (`tools/reference/make_planner_values.py`), but for stages beyond the sixth.
  @Test func stridesAndKernelsAreThoseOfNNUNet() throws {
    let folder = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    let data = try #require(FileManager.default.contents(atPath: folder + "/Tests/Values/planner/topologies.json"))
    let cases = try #require(try JSONValue(parsing: [UInt8](data)).arrayValue)
    var whole = 0
    for entry in cases {
      let object = try #require(entry.objectValue)
      func integers(_ value: JSONValue) -> [Int] { value.arrayValue?.compactMap(\.integerValue) ?? [] }
      func lists(_ key: String) -> [[Int]] { object[key]?.arrayValue?.map(integers) ?? [] }
      let patch = integers(object["patch"] ?? .null)
      let spacing = object["spacing"]?.arrayValue?.compactMap(\.doubleValue) ?? []
      let topology = NetworkTopology(
        patch: SIMD3(patch[0], patch[1], patch[2]), spacing: SIMD3(spacing[0], spacing[1], spacing[2]))
      let strides = lists("strides")
      #expect(topology.strides == Array(strides.prefix(5)), "\(entry.text())")
      guard strides.count <= 5 else { continue }
      whole += 1
      #expect(Array(topology.kernels.dropLast()) == Array(lists("kernels").dropLast()), "\(entry.text())")
      let padded = integers(object["padded"] ?? .null)
      #expect(topology.patch == SIMD3(padded[0], padded[1], padded[2]), "\(entry.text())")
    }
    #expect(whole > 40)
  }

  /// Slices thick enough to be pooled later, with kernel 1 along them until then: the network that stands in the
  /// recipe.
  @Test func anAnisotropicNetworkHasItsStridesAndKernels() throws {
    let topology = NetworkTopology(patch: SIMD3(64, 64, 12), spacing: SIMD3(0.6, 0.6, 3.6))
    #expect(topology.strides == [[2, 2, 1], [2, 2, 1], [2, 2, 2], [2, 2, 1]])
    let model = topology.model(base: 8)
    #expect(model.nnunet.widths == [8, 16, 32, 64, 80])
    #expect(model.divisor == SIMD3(16, 16, 2))
    let graph = try model.graph(batch: 1, channels: 1, classes: 3, patch: topology.patch)
    func weight(_ name: String) -> [Int]? { graph.parameters.first { $0.name == name }?.shape }
    #expect(weight("encoder.0/conv.0/weight") == [8, 1, 1, 3, 3])
    #expect(weight("encoder.2/conv.0/weight") == [32, 16, 3, 3, 3])
    #expect(weight("decoder.0/upconv.0/weight") == [16, 8, 1, 2, 2])
    #expect(graph.outputShape.axes == [1, 3, 12, 64, 64])
  }

  @Test func theFirstPatchIsTheMedianAndTheLastIsSmall() {
    let all = PatchCandidates.all(medianSize: SIMD3(400, 380, 90), spacing: SIMD3(0.8, 0.8, 2.5))
    #expect(all.first?.patch == SIMD3(384, 384, 96))
    #expect((all.last?.patch.max() ?? 0) <= 16)
    for (larger, smaller) in zip(all, all.dropFirst()) {
      func voxels(_ p: SIMD3<Int>) -> Int { p.x * p.y * p.z }
      #expect(voxels(larger.patch) > voxels(smaller.patch))
    }
    // No more than 256³ voxels, however large the cases are.
    let large = PatchCandidates.all(medianSize: SIMD3(repeating: 900), spacing: SIMD3(repeating: 0.5))
    #expect(large.first?.patch == SIMD3(repeating: 256))
  }

  @Test func aRecipeKeepsTheNetwork() throws {
    var recipe = Recipe()
    recipe.data.folder = "/data"
    recipe.data.classes = [ClassLabel(name: "background", id: 0), ClassLabel(name: "a", id: 1)]
    let topology = NetworkTopology(patch: SIMD3(64, 64, 12), spacing: SIMD3(0.6, 0.6, 3.6))
    recipe.model = topology.model(base: 16)
    recipe.sampler.patch = topology.patch
    #expect(try Recipe(json: recipe.json, path: "again").model == recipe.model)
    recipe.sampler.patch.z = 13
    #expect(throws: RecipeErrors.self) { try Recipe(json: recipe.json, path: "again") }
  }
}
