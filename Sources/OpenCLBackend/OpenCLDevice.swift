import COpenCL
import ExecutionPlan
import KernelCatalog
import Synchronization

/// A device of an OpenCL driver. Its context is made by the first plan that it loads; every plan shares it
/// and the programs built in it.
public final class OpenCLDevice: Device {
  public var description: DeviceDescription { described.withLock { $0 } }
  let record: DeviceRecord
  let programs: ProgramLibrary
  private let tuning: TuningStore?
  private let described: Mutex<DeviceDescription>
  private let session = Mutex<Shared<ContextHandle>?>(nil)

  /// Every usable device of every platform, `opencl:0` first; none where there is no OpenCL. Built kernels are kept
  /// in `defaultCacheFolder` between runs.
  public static func all() -> [OpenCLDevice] {
    DeviceRecord.all().enumerated().map {
      OpenCLDevice($1, id: "opencl:\($0)", cacheFolder: defaultCacheFolder, tuning: TuningStore($1))
    }
  }

  /// - Parameter cacheFolder: Where built kernels are kept between runs; nil keeps none.
  public static func all(cacheFolder: String?) -> [OpenCLDevice] {
    DeviceRecord.all().enumerated().map { OpenCLDevice($1, id: "opencl:\($0)", cacheFolder: cacheFolder) }
  }

  /// `$VOXCL_CACHE`, else `$XDG_CACHE_HOME/voxcl`, else `~/.cache/voxcl`.
  public static var defaultCacheFolder: String? { BinaryCache.defaultFolder }

  private init(
    _ record: DeviceRecord, id: String, cacheFolder: String?, tuning: TuningStore? = nil
  ) {
    self.record = record
    self.tuning = tuning
    var description = record.description(id: id)
    description.tuning = tuning?.read() ?? TuningTable()
    described = Mutex(description)
    programs = ProgramLibrary(device: record, cache: cacheFolder.map(BinaryCache.init))
  }

  /// Keeps what was measured, on the disk and in the `description`: for all plans from now on.
  public func keep(_ table: TuningTable) {
    tuning?.add(table)
    described.withLock { $0.tuning.choices.merge(table.choices) { $1 } }
  }

  /// Driver and platform, for the record of a run: `3.1 (OpenCL 3.0 PoCL …)`.
  public var driver: String { "\(record.driverVersion) (\(record.platformVersion))" }

  /// - Throws: `PlanError`, `MemoryError`, `KernelBuildError` or `OpenCLError`.
  public func load(_ plan: ExecutionPlan) throws -> any LoadedPlan {
    try KernelCatalog.check(plan)
    return try naming { try LoadedOpenCLPlan(plan, on: self, context: context()) }
  }

  func context() throws -> Shared<ContextHandle> {
    try session.withLock {
      if let context = $0 { return context }
      let context = Shared(try ContextHandle(device: record.id))
      $0 = context
      return context
    }
  }

  /// Adds this device's name to what its driver says.
  func naming<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch var error as OpenCLError {
      error.device = description.name
      throw error
    }
  }
}
