import CKernelText
import ExecutionPlan
import Synchronization

/// The OpenCL C of a kernel and the options that specialise it. Same kernel, same text: a cache may use
/// both as its key.
public enum KernelText {
  /// By kernel: a network has a hundred kernels of some twenty texts.
  private static let resolvedTexts = Mutex<[String: String]>([:])

  /// Complete text of `kernels/<name>.cl`: lines `#include "other.cl"` are replaced by that file (the first
  /// time; later ones vanish), so that a driver needs no file system. `#line` keeps the file and line of
  /// every compiler message.
  /// - Throws: `PlanError` where there is no such file.
  public static func source(of kernel: Kernel) throws -> String {
    if let known = resolvedTexts.withLock({ $0[kernel.name] }) { return known }
    var included: Set<String> = []
    let text = try resolved(kernel.name, &included)
    resolvedTexts.withLock { $0[kernel.name] = text }
    return text
  }

  /// `-cl-std=CL1.2 -cl-mad-enable -DNAME=VALUE …`, macros in the kernel's order. No option that changes
  /// what NaN, infinity or small numbers do: loss scaling needs all three.
  public static func options(for kernel: Kernel) -> String {
    kernel.defines.reduce("-cl-std=CL1.2 -cl-mad-enable") { "\($0) -D\($1.name)=\($1.value)" }
  }

  /// Text of one file, without its `.cl`, as it stands in `kernels/`; nil where there is none.
  public static func file(_ name: String) -> String? {
    var count = 0
    guard let bytes = kernel_text(name, &count) else { return nil }
    return String(
      decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self)
  }

  private static func resolved(_ name: String, _ included: inout Set<String>) throws -> String {
    guard let text = file(name) else {
      throw PlanError("kernel \(name): not among those of this version of VoxCL")
    }
    included.insert(name)
    var result = "#line 1 \"\(name).cl\"\n"
    var number = 0
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      number += 1
      guard let other = includedFile(line) else {
        result += line
        result += "\n"
        continue
      }
      if !included.contains(other) { result += try resolved(other, &included) }
      result += "#line \(number + 1) \"\(name).cl\"\n"
    }
    return result
  }

  /// `segment` of `#include "segment.cl"`.
  private static func includedFile(_ line: Substring) -> String? {
    let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[1].hasSuffix(".cl") else { return nil }
    guard parts[0].filter({ $0 != " " && $0 != "\t" }) == "#include" else { return nil }
    return String(parts[1].dropLast(3))
  }
}
