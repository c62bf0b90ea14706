import FoundationEssentials
import Testing

@testable import Interchange

/// Event files byte for byte; the golden records come from tools/reference/make_tensorboard_values.py
/// (tensorboard 2.21.0, protobuf 7.36.2).
@Suite struct TensorBoardTests {
  static let version = "1800000000000000a37f4b220900001048fb47da411a0d627261696e2e4576656e743a32707b0e4e"
  static let start = "100000000000000095fbfe180900002048fb47da4110ac023a020801d6f514f9"
  static let scalars =
    "3d000000000000006049f1ec0900004048fb47da4110ad022a2f0a110a0a747261696e2f6c6f7373150000403f0a1a0a13747261"
    + "696e2f6c6561726e696e675f72617465156f12833a3ba8db2a"
  /// Behind it 200 bytes 0 … 199 and the checksum f07ffd…: a two-byte length, a step beyond 32 bits, a tag beyond ASCII.
  static let pictureHead =
    "ee00000000000000c7a7fb8f0900008048fb47da411080808080202adc010ad9010a02c3a922d201080210c801180322c801"

  private func hex(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  @Test func checksumIsCastagnolis() {
    // RFC 3720, B.4, and the check value of the CRC catalogue.
    #expect(CRC32C.of(Array("123456789".utf8)) == 0xE306_9283)
    #expect(CRC32C.of([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(CRC32C.of([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(CRC32C.of([UInt8](0..<32)) == 0x46DD_794E)
    #expect(CRC32C.of([]) == 0)
  }

  @Test func recordsAreThoseOfTensorBoard() {
    typealias Event = TensorBoardEvent
    let version = Event(wallTime: 1_763_700_000.25, step: 0, content: .fileVersion("brain.Event:2"))
    #expect(hex(version.record) == Self.version)
    let start = Event(wallTime: 1_763_700_000.5, step: 300, content: .sessionStart)
    #expect(hex(start.record) == Self.start)
    let scalars = Event(
      wallTime: 1_763_700_001, step: 301,
      content: .summary([.init("train/loss", .scalar(0.75)), .init("train/learning_rate", .scalar(1e-3))]))
    #expect(hex(scalars.record) == Self.scalars)
    let picture = Event(
      wallTime: 1_763_700_002, step: 1 << 33,
      content: .summary([.init("é", .png([UInt8](0..<200), width: 200, height: 2))]))
    #expect(hex(picture.record) == Self.pictureHead + hex([UInt8](0..<200)) + "c8f07ffd")
  }

  @Test func recordsPastAStepAndCutOnesGo() {
    func event(_ step: Int) -> [UInt8] {
      TensorBoardEvent(wallTime: 1, step: step, content: .summary([.init("a", .scalar(Float(step)))])).record
    }
    let head = TensorBoardEvent(wallTime: 1, step: 0, content: .fileVersion("brain.Event:2")).record
    let all = head + event(1) + event(300) + event(2)
    #expect(TensorBoardFile.records(of: all, upTo: 300) == all)
    #expect(TensorBoardFile.records(of: all, upTo: 2) == head + event(1) + event(2))
    #expect(TensorBoardFile.records(of: Array(all.dropLast(3)), upTo: 300) == head + event(1) + event(300))
    var damaged = all
    damaged[head.count + 14] ^= 1
    #expect(TensorBoardFile.records(of: damaged, upTo: 300) == head)
    // A length beyond the file, with a sound checksum of its own.
    let length = littleEndianBytes(UInt64.max)
    let wild = length + littleEndianBytes(CRC32C.masked(length)) + [UInt8](repeating: 0, count: 40)
    #expect(TensorBoardFile.records(of: head + wild, upTo: 300) == head)
  }

  @Test func filesSortInTheOrderInWhichTheyStart() throws {
    let folder = FileManager.default.temporaryDirectory.path + "/tensorboard-\(UInt64.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for count in 1...3 {
      let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
      // The clock may stand still, or go back.
      let file = try TensorBoardFile(
        folder: folder, after: names, wallTime: 1_763_700_000 - Double(count), startingAt: 1)
      #expect(names.allSatisfy { "\(folder)/\($0)" < file.path })
    }
  }

  @Test func checksumsAreTheStandards() {
    #expect(PNG.crc32(Array("123456789".utf8)) == 0xCBF4_3926)
    // Adler-32 of "Wikipedia", behind one stored block.
    let stream = PNG.zlibStored(Array("Wikipedia".utf8))
    #expect(stream.prefix(7) == [0x78, 0x01, 1, 9, 0, 0xF6, 0xFF])
    #expect(stream.suffix(4) == [0x11, 0xE6, 0x03, 0x98])
    #expect(PNG.zlibStored([UInt8](repeating: 5, count: 70_000)).count == 2 + 5 + 65_535 + 5 + 4_465 + 4)
  }

  @Test func palettesStandBeforeThePixels() {
    let png = PNG.encode([0, 1], width: 2, height: 1, palette: [(1, 2, 3), (4, 5, 6)])
    let head: [UInt8] = [0x49, 0x48, 0x44, 0x52, 0, 0, 0, 2, 0, 0, 0, 1, 8, 3, 0, 0, 0]
    #expect(Array(png[12..<29]) == head)
    #expect(Array(png[33..<47]) == [0, 0, 0, 6, 0x50, 0x4C, 0x54, 0x45, 1, 2, 3, 4, 5, 6])
  }
}
