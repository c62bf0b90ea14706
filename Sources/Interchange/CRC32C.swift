/// The checksum of TFRecord files: CRC-32C (Castagnoli; RFC 3720, appendix B.4), reflected polynomial 0x82F63B78.
enum CRC32C {
  private static let table: [UInt32] = (0..<256).map { n in
    (0..<8).reduce(UInt32(n)) { c, _ in c & 1 == 1 ? 0x82F6_3B78 ^ (c >> 1) : c >> 1 }
  }

  static func of(_ bytes: some Sequence<UInt8>) -> UInt32 {
    table.withUnsafeBufferPointer { table in
      ~bytes.reduce(~UInt32(0)) { table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ ($0 >> 8) }
    }
  }

  /// Rotated right by 15 bits plus a constant, so that a record which holds checksums keeps a useful one.
  static func masked(_ bytes: some Sequence<UInt8>) -> UInt32 {
    let crc = of(bytes)
    return (crc >> 15 | crc << 17) &+ 0xA282_EAD8
  }
}
