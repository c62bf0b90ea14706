import CPUBackend
import KernelCatalog
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// The C files state words and defines as enums; they must stand in the catalogue's order.
@Suite struct CatalogueOrderTests {
  @Test(arguments: KernelCatalog.all.map(\.name))
  func enumsFollowTheCatalogue(_ name: String) throws {
    let interface = try #require(KernelCatalog.interface(name))
    let text = try source(of: name)
    #expect(names(in: text, prefix: "WORD_") == interface.operands + interface.integers)
    #expect(names(in: text, prefix: "DEFINE_") == interface.defines)
  }

  private func source(of name: String) throws -> String {
    let here = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
    let path = (here + ["Sources", "CCPUKernels", "kernels", "\(name).c"]).joined(separator: "/")
    let file = try #require(fopen(path, "r"), "no \(path)")
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes[..<count], as: UTF8.self)
  }

  /// What follows the prefix, in order of appearance.
  private func names(in text: String, prefix: String) -> [String] {
    text.split { !($0.isLetter || $0.isNumber || $0 == "_") }
      .filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
  }
}
