import FoundationEssentials
import Testing

@testable import Training

@Suite("Files to predict")
struct ScanFilesTests {
  private func cases(_ names: [String]) throws -> [ScanFiles.Case] {
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "scans-\(UInt64.random(in: 0 ... .max))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for name in names { try Data().write(to: folder.appending(path: name)) }
    return try ScanFiles.cases(in: folder.path).map { entry in
      ScanFiles.Case(name: entry.name, files: entry.files.map { String($0.split(separator: "/").last ?? "") })
    }
  }

  @Test func channelsOfOneCaseBelongTogether() throws {
    #expect(
      try cases(["b_0000.nii.gz", "a_0001.nii.gz", "a_0000.nii.gz", "b_0001.nii.gz", "notes.txt"]) == [
        .init(name: "a", files: ["a_0000.nii.gz", "a_0001.nii.gz"]),
        .init(name: "b", files: ["b_0000.nii.gz", "b_0001.nii.gz"]),
      ])
  }

  @Test func numbersThatAreNoChannelsStayNames() throws {
    #expect(
      try cases(["scan_0031.nii.gz", "scan_0044.nii"]) == [
        .init(name: "scan_0031", files: ["scan_0031.nii.gz"]),
        .init(name: "scan_0044", files: ["scan_0044.nii"]),
      ])
  }

  @Test func aPairCountsOnce() throws {
    #expect(try cases(["x.hdr", "x.img", ".hidden.nii"]) == [.init(name: "x", files: ["x.hdr"])])
  }

  @Test func aMissingChannelIsNamed() throws {
    let error = #expect(throws: PredictionError.self) { try cases(["a_0000.nii.gz", "a_0002.nii.gz"]) }
    #expect(error?.description.contains("channel 2 follows no channel 1") == true)
  }

  @Test func anEmptyFolderIsSaidSo() throws {
    #expect(throws: PredictionError.self) { try cases(["readme.md"]) }
  }
}
