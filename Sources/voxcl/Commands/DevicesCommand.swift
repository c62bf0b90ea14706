import ArgumentParser
import VoxCL

struct DevicesCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "devices", abstract: "Lists the devices that plans can run on.")

  @Flag(help: "Print a JSON array.") var json = false

  func perform() throws {
    let devices = try Devices().all.map(\.description)
    if json { return try printJSON(devices) }
    printTable(
      ["id", "name", "vendor", "kind", "memory", "largest allocation", "units"],
      devices.map {
        [
          $0.id, $0.name, $0.vendor, $0.kind.rawValue, byteText($0.memoryBytes),
          byteText($0.maxAllocationBytes), String($0.computeUnits),
        ]
      }, right: [4, 5, 6])
  }
}
