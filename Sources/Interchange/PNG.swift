/// Writes 8-bit PNG files (ISO/IEC 15948), gray or with a palette, without a compression library: deflate in
/// stored blocks. Medical slices are noise in their low bits; compression would save about a third.
public enum PNG {
  /// A colour of a palette.
  public typealias Colour = (red: UInt8, green: UInt8, blue: UInt8)

  /// - Parameters:
  ///   - pixels: rows from the top, `width` a row: gray values, or places in the palette.
  ///   - palette: at most 256 colours; empty makes a gray picture.
  public static func encode(_ pixels: [UInt8], width: Int, height: Int, palette: [Colour] = []) -> [UInt8] {
    precondition(pixels.count == width * height && width > 0 && height > 0, "internal: picture size")
    precondition(palette.count <= 256, "internal: too many colours")
    var raw: [UInt8] = []
    raw.reserveCapacity(pixels.count + height)
    for y in 0..<height {
      raw.append(0)  // no filter
      raw += pixels[y * width..<(y + 1) * width]
    }
    var png: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    // Depth 8, colour type 0 (gray) or 3 (palette), deflate, adaptive filters, no interlace.
    let type: UInt8 = palette.isEmpty ? 0 : 3
    append(&png, "IHDR", bigEndian(UInt32(width)) + bigEndian(UInt32(height)) + [8, type, 0, 0, 0])
    if !palette.isEmpty { append(&png, "PLTE", palette.flatMap { [$0.red, $0.green, $0.blue] }) }
    append(&png, "IDAT", zlibStored(raw))
    append(&png, "IEND", [])
    return png
  }

  private static func append(_ png: inout [UInt8], _ type: String, _ data: [UInt8]) {
    let body = Array(type.utf8) + data
    png += bigEndian(UInt32(data.count)) + body + bigEndian(crc32(body))
  }

  /// RFC 1950 and 1951: header, stored blocks of at most 65,535 bytes, Adler-32.
  static func zlibStored(_ data: [UInt8]) -> [UInt8] {
    var out: [UInt8] = [0x78, 0x01]
    var from = 0
    repeat {
      let count = min(65_535, data.count - from)
      let isLast: UInt8 = from + count == data.count ? 1 : 0
      let low = UInt8(truncatingIfNeeded: count)
      let high = UInt8(truncatingIfNeeded: count >> 8)
      out += [isLast, low, high, ~low, ~high]
      out += data[from..<from + count]
      from += count
    } while from < data.count
    var (a, b): (UInt32, UInt32) = (1, 0)
    for byte in data {
      a = (a + UInt32(byte)) % 65_521
      b = (b + a) % 65_521
    }
    return out + bigEndian(b << 16 | a)
  }

  private static let crcTable: [UInt32] = (0..<256).map { n in
    (0..<8).reduce(UInt32(n)) { c, _ in c & 1 == 1 ? 0xEDB8_8320 ^ (c >> 1) : c >> 1 }
  }

  static func crc32(_ data: [UInt8]) -> UInt32 {
    ~data.reduce(~UInt32(0)) { crcTable[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ ($0 >> 8) }
  }

  private static func bigEndian(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }
}
