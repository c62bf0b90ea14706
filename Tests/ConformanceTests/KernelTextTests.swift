import ExecutionPlan
import KernelCatalog
import Testing

@Suite struct KernelTextTests {
  @Test func optionsKeepTheOrderOfMacros() {
    let kernel = Kernel(name: "clear", defines: [Define("B", 2), Define("A", -1)])
    #expect(KernelText.options(for: kernel) == "-cl-std=CL1.2 -cl-mad-enable -DB=2 -DA=-1")
  }

  @Test func includesAreResolvedOnceAndKeepTheirLines() throws {
    let text = try KernelText.source(of: Kernel(name: "conv3d", defines: []))
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(!lines.contains { $0.hasPrefix("#include") })
    #expect(lines.filter { $0 == "#line 1 \"segment.cl\"" }.count == 1)
    #expect(lines[0] == "#line 1 \"conv3d.cl\"")
    // The line behind an include has its own number again.
    let file = try #require(KernelText.file("conv3d"))
    let own = file.split(separator: "\n", omittingEmptySubsequences: false)
    let include = try #require(own.firstIndex { $0.hasPrefix("#include") })
    let marker = try #require(lines.lastIndex { $0 == "#line \(include + 2) \"conv3d.cl\"" })
    #expect(lines[marker + 1] == own[include + 1])
  }

  @Test func unknownKernelsAreNamed() {
    #expect(throws: PlanError("kernel sort: not among those of this version of VoxCL")) {
      try KernelText.source(of: Kernel(name: "sort", defines: []))
    }
  }
}
