import Glibc

@testable import MemoryPlacement

/// The tables in `Instances/`.
struct Instance: CustomStringConvertible, Sendable {
  var name: String
  var table: PlacementTable
  /// From the file name `A.1048576.csv`.
  var capacityInBytes: Int?
  var description: String { name }

  static let unet3D = all(in: "unet3d")
  static let minimalloc = all(in: "minimalloc").filter { $0.name != "input.12.csv" }
  static let example = all(in: "minimalloc").filter { $0.name == "input.12.csv" }

  private static func all(in folder: String) -> [Instance] {
    let here = #filePath.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }
    let path = here + "/Instances/" + folder
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name.hasSuffix(".csv") { names.append(name) }
    }
    return names.sorted().compactMap { name in
      guard let text = contents(of: path + "/" + name), let table = try? PlacementTable(parsing: text) else {
        return nil
      }
      let parts = name.split(separator: ".")
      return Instance(name: name, table: table, capacityInBytes: parts.count == 3 ? Int(parts[1]) : nil)
    }
  }
}

private func contents(of path: String) -> String? {
  guard let file = fopen(path, "r") else { return nil }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = fread(&chunk, 1, chunk.count, file)
    if count == 0 { break }
    bytes += chunk[..<count]
  }
  return String(decoding: bytes, as: UTF8.self)
}

/// The same numbers on every machine: SplitMix64 (Steele, Lea, Flood 2014).
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
