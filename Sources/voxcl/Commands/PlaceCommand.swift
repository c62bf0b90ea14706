import ArgumentParser
import FoundationEssentials
import VoxCL

struct PlaceCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "place", abstract: "Runs the memory planner alone on id,lower,upper,size rows.",
    discussion: "Lifetimes are half-open, [lower, upper). Exits 1 where no placement fits the capacity.")

  @Argument(help: "CSV file with the columns id,lower,upper,size.") var file: String
  @Option(help: "Largest arena in bytes.") var capacity: Int?
  @Option(help: "Write the rows with an offset column.") var output: String?
  @Flag(help: "Print JSON.") var json = false

  struct Report: Encodable {
    var arenaBytes: Int
    var lowerBoundBytes: Int
    var seconds: Double
  }

  func perform() throws {
    guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
      throw UserError("\(file): cannot be read")
    }
    let table: PlacementTable
    do { table = try PlacementTable(parsing: text) } catch { throw UserError("\(file): \(error)") }
    let start = monotonicSeconds()
    guard let placement = MemoryPlacement.place(table.lifetimes, capacityInBytes: capacity) else {
      standardError("voxcl: \(file): no placement found within \(capacity ?? 0) bytes")
      throw ExitCode(1)
    }
    let report = Report(
      arenaBytes: placement.arenaInBytes, lowerBoundBytes: placement.lowerBoundInBytes,
      seconds: monotonicSeconds() - start)
    let violations = MemoryPlacement.validate(placement, of: table.lifetimes)
    precondition(violations.isEmpty, "internal: \(violations)")
    if let output {
      let placed = table.text(offsetsInBytes: placement.offsetsInBytes)
      do { try placed.write(toFile: output, atomically: true, encoding: .utf8) } catch {
        throw UserError("\(output): cannot be written")
      }
    }
    if json { return try printJSON(report) }
    print(
      "arena \(report.arenaBytes) bytes, lower bound \(report.lowerBoundBytes), \(placement.method), "
        + "\(decimals(report.seconds, 3)) s")
  }
}
