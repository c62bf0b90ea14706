import ExecutionPlan
import KernelCatalog
import Testing

@testable import OpenCLBackend

#if canImport(Glibc)
  import Glibc
#endif

/// Text, C kernel and catalogue speak of the same words in the same order.
@Suite struct CatalogueTests {
  static let names = KernelCatalog.all.map(\.name)

  @Test(arguments: names) func openCLTextHasTheCataloguesWords(_ name: String) throws {
    let interface = try #require(KernelCatalog.interface(name))
    let text = try #require(KernelText.file(name), "kernels/\(name).cl is not embedded")
    #expect(enumerators(of: text, prefix: "WORD_") == interface.operands + interface.integers)
    #expect(text.contains("VOXCL_KERNEL(\(name))"))
    // Segments that a kernel never has need none; that the others have one, compiling without shows.
    let whole = try KernelText.source(of: Kernel(name: name, defines: []))
    for define in interface.defines where !define.hasPrefix("SEGMENT") && !interface.lateDefines.contains(define) {
      #expect(whole.contains("#ifndef \(define)\n#define \(define) "), "\(define) has no default")
    }
    #expect(enumerators(of: text, prefix: "LATE_") == interface.lateDefines.dropLast(interface.lateDefines.isEmpty ? 0 : 4))
  }

  @Test(arguments: names) func cKernelHasTheCataloguesWords(_ name: String) throws {
    let interface = try #require(KernelCatalog.interface(name))
    let text = try contents("Sources/CCPUKernels/kernels/\(name).c")
    #expect(enumerators(of: text, prefix: "WORD_") == interface.operands + interface.integers)
    #expect(enumerators(of: text, prefix: "DEFINE_") == interface.defines)
  }

  @Test func segmentWordsAreThoseOfTheText() throws {
    let text = try #require(KernelText.file("segment"))
    #expect(enumerators(of: text, prefix: "SEG_") == SegmentWord.allCases.map { "\($0)" })
  }

  /// Complete alone: every macro has a default.
  @Test(arguments: names) func openCLTextCompilesWithItsDefaults(_ name: String) throws {
    for device in Devices.opencl {
      _ = try device.programs.program(
        for: Kernel(name: name, defines: []), needsLargeBuffers: false, in: device.context().handle)
    }
  }

  @Test func embeddedFilesAreThoseOfTheFolder() throws {
    let folder = root + "/kernels"
    let directory = try #require(opendir(folder))
    defer { closedir(directory) }
    var files: [String] = []
    while let entry = readdir(directory) {
      let file = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if file.hasSuffix(".cl") { files.append(file) }
    }
    for file in files {
      let embedded = KernelText.file(String(file.dropLast(3)))
      #expect(try embedded == contents("kernels/\(file)"), "\(file) is not embedded as it stands")
    }
    #expect(files.count > 0)
  }

  private var root: String {
    String(#filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" })
  }

  private func contents(_ path: String) throws -> String {
    let file = try #require(fopen("\(root)/\(path)", "r"), "\(path) cannot be read")
    defer { fclose(file) }
    var bytes: [UInt8] = []
    while case let byte = fgetc(file), byte != EOF { bytes.append(UInt8(byte)) }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Names after `prefix` in the first `enum { … }` that has one.
  private func enumerators(of text: String, prefix: String) -> [String] {
    for body in text.split(separator: "enum {").dropFirst() {
      let names = body.prefix { $0 != "}" }.split { ",".contains($0) || $0.isWhitespace }
        .filter { $0.hasPrefix(prefix) }
      if !names.isEmpty { return names.map { String($0.dropFirst(prefix.count)) } }
    }
    return []
  }
}
