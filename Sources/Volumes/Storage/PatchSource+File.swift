/// A preprocessed case in a file of its own, whose voxels are mapped and not read.
///
/// `voxcl case 1 BYTES` and lines of text up to byte BYTES, a multiple of 64: key, size, spacing (the doubles' bit
/// patterns), minima (the floats'), and of each class its id, its voxels and how many of them are indexed. Then, each from
/// a multiple of 64 on and in this machine's byte order: the channels (float), the labels (int32), the index (uint32).
extension PatchSource {
  private static let magic = "voxcl case 1"

  /// Writes the case whole, or not at all.
  /// - Parameter key: says what the voxels were made of; one line.
  public func write(to path: String, key: String) throws(VolumeError) {
    let spacing = (0..<3).map { String(spacingInMillimetres[$0].bitPattern) }.joined(separator: " ")
    var lines = [
      "key \(key)", "size \(size.x) \(size.y) \(size.z)", "spacing \(spacing)",
      "minima " + minima.map { String($0.bitPattern) }.joined(separator: " "), "labels \(labels.count)",
    ]
    let lists = classVoxels.classes.map { classVoxels.voxels(of: $0) }
    for (slot, label) in classVoxels.classes.enumerated() {
      lines.append("class \(label) \(classVoxels.voxelCounts[slot]) \(lists[slot].count)")
    }
    let text = lines.joined(separator: "\n") + "\n"
    // The first line's own length is at most 64 bytes.
    let headerCount = Self.padded(text.utf8.count + 64)
    var header = Array("\(Self.magic) \(headerCount)\n\(text)".utf8)
    header += [UInt8](repeating: 0x20, count: headerCount - header.count)

    var file = try AtomicFile(path)
    try Self.append(StoredVoxels(header), to: file)
    for channel in channels { try Self.append(channel, to: file) }
    try Self.append(labels, to: file)
    for list in lists { try Self.append(StoredVoxels(list), to: file) }
    try file.finish()
    try file.publish()
  }

  /// The case of a file that was written with this key; nil where there is none, or it is damaged or of another make.
  public init?(name: String, mapping path: String, key: String) {
    guard let file = MappedFile(path), let header = Header(file.bytes, key: key) else { return nil }
    var place = header.byteCount
    let voxels = header.size.x * header.size.y * header.size.z
    channels = header.minima.map { _ in
      defer { place += Self.padded(4 * voxels) }
      return StoredVoxels(file, firstByte: place, count: voxels)
    }
    labels = StoredVoxels(file, firstByte: place, count: header.labelCount)
    place += Self.padded(4 * header.labelCount)
    var lists: [[UInt32]] = []
    for entry in header.classes {
      lists.append(StoredVoxels<UInt32>(file, firstByte: place, count: entry.kept).array)
      place += Self.padded(4 * entry.kept)
    }
    self.name = name
    size = header.size
    spacingInMillimetres = header.spacing
    minima = header.minima
    classVoxels = ClassVoxelIndex(
      classes: header.classes.map(\.label), voxelCounts: header.classes.map(\.count), voxels: lists)
  }

  /// Straight from where they lie, and zeros up to the next multiple of 64.
  private static func append<Element>(
    _ values: StoredVoxels<Element>, to file: borrowing AtomicFile
  ) throws(VolumeError) {
    let bytes = values.count * MemoryLayout<Element>.stride
    try values.withUnsafeBufferPointer { (values) throws(VolumeError) in
      try file.append(UnsafeRawBufferPointer(values))
    }
    let zeros = [UInt8](repeating: 0, count: padded(bytes) - bytes)
    try zeros.withUnsafeBufferPointer { (zeros) throws(VolumeError) in
      try file.append(UnsafeRawBufferPointer(zeros))
    }
  }

  fileprivate static func padded(_ count: Int) -> Int { (count + 63) / 64 * 64 }

  /// The text in front, held against the file's length.
  private struct Header {
    var byteCount = 0
    var size = SIMD3<Int>.zero
    var spacing = SIMD3<Double>.zero
    var minima: [Float] = []
    var labelCount = 0
    var classes: [(label: Int32, count: Int, kept: Int)] = []

    init?(_ bytes: UnsafeRawBufferPointer, key: String) {
      guard let end = bytes.prefix(64).firstIndex(of: 0x0A) else { return nil }
      let first = String(decoding: bytes[..<end], as: UTF8.self).split(separator: " ")
      guard first.dropLast().joined(separator: " ") == PatchSource.magic, let count = first.last.flatMap({ Int($0) }),
        count > end, count <= bytes.count, count % 64 == 0
      else { return nil }
      byteCount = count
      var isOfKey = false
      for line in String(decoding: bytes[(end + 1)..<count], as: UTF8.self).split(separator: "\n") {
        let words = line.split(separator: " ")
        let numbers = words.dropFirst().compactMap { UInt64($0) }
        // Counts of a damaged file may be anything: none is above 2³², so that no product overflows.
        let isCount = ["size", "labels", "class"].contains(words.first)
        guard !isCount || numbers.allSatisfy({ $0 <= UInt64(UInt32.max) }) else { return nil }
        switch words.first {
        case "key": isOfKey = line.dropFirst(4) == key
        case "size" where numbers.count == 3: size = SIMD3(Int(numbers[0]), Int(numbers[1]), Int(numbers[2]))
        case "spacing" where numbers.count == 3:
          spacing = SIMD3(
            Double(bitPattern: numbers[0]), Double(bitPattern: numbers[1]), Double(bitPattern: numbers[2]))
        case "minima": minima = numbers.map { Float(bitPattern: UInt32(truncatingIfNeeded: $0)) }
        case "labels" where numbers.count == 1: labelCount = Int(numbers[0])
        case "class" where numbers.count == 3:
          classes.append((Int32(truncatingIfNeeded: numbers[0]), Int(numbers[1]), Int(numbers[2])))
        default: break
        }
      }
      // Of at most 2²⁰ each: their product does not overflow.
      guard isOfKey, size.min() > 0, size.max() <= 1 << 20 else { return nil }
      let voxels = size.x * size.y * size.z
      guard voxels <= Int(UInt32.max) else { return nil }
      guard spacing.min() > 0, !minima.isEmpty,
        labelCount == 0 || labelCount == voxels
      else { return nil }
      let expected = classes.reduce(
        byteCount + minima.count * PatchSource.padded(4 * voxels) + PatchSource.padded(4 * labelCount)
      ) { $0 + PatchSource.padded(4 * $1.kept) }
      guard expected == bytes.count else { return nil }
    }
  }
}
