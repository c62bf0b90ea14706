import FoundationEssentials
import Testing

@testable import Training
@testable import VoxCL
@testable import Volumes

@Suite("Reports")
struct ReportTests {
  @Test func base64IsTheStandards() {
    for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
      #expect(base64(Array(plain.utf8)) == coded)
    }
  }

  @Test func outlinesFollowThePixels() {
    // 4×3, an L of three pixels.
    let outline = LabelOutline(2, in: [0, 2, 0, 0, 0, 2, 2, 0, 1, 0, 0, 0], width: 4, height: 3)
    #expect(outline.area == "M1 0h1v1h-1zM1 1h2v1h-2z")
    #expect(outline.contour == "M1 0h1M2 1h1M1 2h2M1 0v2M2 0v1M3 1v1")
    #expect(LabelOutline(9, in: [0, 2], width: 2, height: 1).isEmpty)
  }

  /// One voxel, right of the middle, in front and on top: it must show up left, up and up (and left in the
  /// sagittal).
  @Test func slicesHangAsRadiologistsHangThem() {
    let size = SIMD3(9, 7, 5)
    let grid = VolumeGrid(size: size, affine: Affine(spacingInMillimetres: SIMD3(1, 1, 1)))
    var labels = LabelVolume(grid: grid, voxels: [Int32](repeating: 0, count: grid.count))
    labels.voxels[7 + 9 * (5 + 7 * 4)] = 3
    let image = Volume(grid: grid, voxels: [Float](repeating: 0, count: grid.count))
    for flipped in [false, true] {
      var picture = SlicePicture(image: image, label: labels, window: 0...1)
      if flipped {
        // The same scan stored LAS.
        var affine = Affine(spacingInMillimetres: SIMD3(1, 1, 1))
        affine.columns.0 = SIMD3(-1, 0, 0)
        affine.translation = SIMD3(8, 0, 0)
        var other = LabelVolume(grid: VolumeGrid(size: size, affine: affine), voxels: labels.voxels)
        other.voxels = other.voxels.map { _ in 0 }
        other.voxels[1 + 9 * (5 + 7 * 4)] = 3
        picture = SlicePicture(
          image: Volume(grid: other.grid, voxels: image.voxels), label: other, window: 0...1)
      }
      #expect(picture.mostTellingSlice(.axial) == 4)
      #expect(picture.mostTellingSlice(.coronal) == 5)
      #expect(picture.mostTellingSlice(.sagittal) == 7)
      #expect(picture.svg(.axial, classes: [3]).contains("d=\"M1 1h1v1h-1z\""))
      #expect(picture.svg(.coronal, classes: [3]).contains("d=\"M1 0h1v1h-1z\""))
      #expect(picture.svg(.sagittal, classes: [3]).contains("d=\"M1 0h1v1h-1z\""))
    }
  }

  @Test func ticksAreRoundAndCover() {
    for (low, high) in [(0.0, 1.0), (0.0137, 0.92), (-3, 250_000), (1e-6, 3e-6), (5, 5.001)] {
      let ticks = Ticks(low, high, most: 5)
      #expect(ticks.low <= low + 1e-9 * abs(low) && ticks.high >= high - 1e-9 * abs(high))
      #expect((2...8).contains(ticks.values.count), "\(low) \(high): \(ticks.values)")
    }
    #expect(Ticks(0, 1, most: 5).values.map { ($0 * 10).rounded() } == [0, 2, 4, 6, 8, 10])
  }

  @Test func figuresAreWrittenAsMeant() {
    #expect(short(1.5) == "1.5" && short(-0.0004) == "0" && short(12.030) == "12.03" && short(-2) == "-2")
    #expect(
      fixed(0.87654, 3) == "0.877" && fixed(-0.2, 1) == "-0.2" && fixed(nil, 2) == "–"
        && fixed(.nan, 2) == "–")
    #expect(
      significant(3e-5) == "3e-5" && significant(0.001) == "1e-3" && significant(0.02) == "0.02"
        && significant(0) == "0")
    #expect(byteCount(1536) == "1.50 KiB" && byteCount(5 << 30) == "5.00 GiB" && byteCount(17) == "17 B")
  }

  @Test func aResumedRunCountsItsStepsOnce() throws {
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "run-\(UInt64.random(in: 0 ... .max))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func step(_ number: Int, _ loss: String) -> String {
      "{\"event\":\"step\",\"step\":\(number),\"loss\":\(loss),\"learningRate\":1e-3,\"gradientNorm\":1,"
        + "\"lossScale\":1,\"skipped\":false,\"seconds\":0.5,\"waitSeconds\":0}"
    }
    let lines = [
      "{\"event\":\"plan\",\"predictedPeakBytes\":100,\"allocatedBytes\":100}", step(1, "0.9"),
      step(2, "0.8"),
      step(3, "0.7"), step(2, "0.75"), step(3, "null"),
      "{\"event\":\"validation\",\"step\":3,\"dice\":{\"<liver>\":0.5,\"tumour\":null},\"meanDice\":0.5}",
      "{\"event\":\"step\",\"ste",
    ]
    let path = folder.appending(path: "events.jsonl").path
    try lines.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
    let events = try RunEvents(path: path)
    #expect(events.steps.map(\.step) == [1, 2, 3])
    #expect(events.steps[1].loss == 0.75 && events.steps[2].loss.isNaN)
    #expect(events.validations.count == 1 && events.validations[0].dice.map(\.dice) == [0.5, nil])
    let page = TrainingReport.html(events, runFolder: folder.path)
    #expect(page.contains("&lt;liver&gt;") && !page.contains("<liver>"))
    #expect(!page.contains("http://") && !page.contains("https://"))
    #expect(!page.contains("NaN,") && !page.contains("nan"))
  }

  @Test func stagesAndAnEarlyStopAreMarked() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "run-\(UInt64.random(in: 0 ... .max))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let lines = (1...6).map { step in
      "{\"event\":\"step\",\"step\":\(step),\"loss\":0.5,\"learningRate\":1e-3,\"gradientNorm\":1,\"lossScale\":1,"
        + "\"skipped\":false,\"seconds\":0.5,\"waitSeconds\":0.125,\"stage\":\(step / 3)}"
    }
    let path = folder.appending(path: "events.jsonl").path
    let end = "{\"event\":\"end\",\"step\":6,\"reason\":\"early-stop\"}"
    try (lines + [end]).joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
    let events = try RunEvents(path: path)
    #expect(events.stages.map(\.step) == [3, 6] && events.stages.map(\.stage) == [1, 2])
    let page = TrainingReport.html(events, runFolder: folder.path)
    #expect(page.contains("stage 2") && page.contains("stage 3") && page.contains("early stop"))
    #expect(page.contains("ended by early-stop") && page.contains("25.0 %"))
    // It went on after all.
    try (lines + [end, lines[5]]).joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
    #expect(!TrainingReport.html(try RunEvents(path: path), runFolder: folder.path).contains("early stop"))
  }

  @Test func aCrossValidationIsOnePage() throws {
    func map(_ digits: String) -> LabelVolume {
      let voxels = digits.map { Int32($0.wholeNumberValue ?? 0) }
      return LabelVolume(
        grid: VolumeGrid(
          size: SIMD3(voxels.count, 1, 1), affine: Affine(spacingInMillimetres: SIMD3(1, 1, 1))), voxels: voxels)
    }
    func entry(_ name: String, _ prediction: String, _ reference: String) throws -> CaseMetrics {
      try CaseMetrics(
        name: name, prediction: map(prediction), reference: map(reference),
        labels: [MetricLabel(id: 1, name: "<liver>"), MetricLabel(id: 2, name: "tumour")])
    }
    // Dice 0.5 and none; 0.75 and 0.25.
    let first = try entry("a", "1100", "0110")
    let second = try entry("b", "111102222000", "011112000222")
    let result = CrossValidation(
      recipeName: "two folds",
      folds: [
        .init(number: 0, step: 10, cases: [first], best: .init(step: 5, meanDice: 0.75)),
        .init(number: 1, step: 8, cases: [second], best: nil),
      ], postprocessing: nil)
    // Over cases per label, then over labels: (0.625 + 0.25) / 2.
    #expect(result.summary.meanDice == 0.4375)
    let page = CrossValidationReport.html(result)
    #expect(page.contains("0.4375") && page.contains("0.6250") && page.contains("0.7500 at 5"))
    #expect(page.contains("&lt;liver&gt;") && !page.contains("<liver>") && !page.contains("nan"))
    #expect(page.contains("each unseen by its network") && !page.contains("cleaned"))
  }

  @Test func aFolderWithoutEventsIsRefused() {
    #expect(throws: ReportError.self) { try TrainingReport.write(runFolder: "/nonexistent/run") }
  }
}
