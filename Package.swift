// swift-tools-version: 6.1
// One target per row of the module table in README.md ("The house"); tools/check holds imports against it.
import PackageDescription

let package = Package(
  name: "VoxCL",
  products: [
    .library(name: "VoxCL", targets: ["VoxCL"]),
    .executable(name: "voxcl", targets: ["VoxCLCommand"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.1.0"),
    .package(url: "https://github.com/apple/swift-numerics", from: "1.0.0"),
  ],
  targets: [
    // Values: import nothing, Foundation included.
    .target(name: "LayerGraph"),
    .target(name: "MemoryPlacement"),
    .target(name: "ExecutionPlan"),

    // Kernels and compiler.
    .target(name: "CKernelText", cSettings: [.headerSearchPath("../../kernels")]),
    .target(name: "KernelCatalog", dependencies: ["ExecutionPlan", "CKernelText"]),
    .target(
      name: "GraphCompiler",
      dependencies: ["LayerGraph", "MemoryPlacement", "ExecutionPlan", "KernelCatalog"]),

    // Backends.
    .target(name: "CCPUKernels", linkerSettings: [.linkedLibrary("pthread"), .linkedLibrary("m")]),
    .target(name: "CPUBackend", dependencies: ["ExecutionPlan", "KernelCatalog", "CCPUKernels"]),
    .target(name: "COpenCL"),
    .target(name: "OpenCLBackend", dependencies: ["ExecutionPlan", "KernelCatalog", "COpenCL"]),

    // Data.
    .target(
      name: "CNifti",
      linkerSettings: [.linkedLibrary("nifti2"), .linkedLibrary("znz"), .linkedLibrary("z")]),
    .target(
      name: "Volumes",
      dependencies: ["CNifti", .product(name: "RealModule", package: "swift-numerics")]),
    .target(name: "Interchange", dependencies: ["LayerGraph"]),

    // Networks, training, product.
    .target(name: "Models", dependencies: ["LayerGraph"], path: "models", exclude: ["recipes"]),
    .target(
      name: "Training",
      dependencies: [
        "ExecutionPlan", "Volumes", "Interchange", "GraphCompiler", "LayerGraph", "Models",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "RealModule", package: "swift-numerics"),
      ]),
    .target(
      name: "SelfTest",
      dependencies: ["ExecutionPlan", "LayerGraph", "GraphCompiler", "Training", "CPUBackend"]),
    .target(
      name: "VoxCL",
      dependencies: [
        "LayerGraph", "MemoryPlacement", "ExecutionPlan", "KernelCatalog", "GraphCompiler",
        "CPUBackend", "OpenCLBackend", "Volumes", "Interchange", "Models", "Training", "SelfTest",
      ]),
    .executableTarget(
      name: "VoxCLCommand",
      dependencies: [
        "VoxCL", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Sources/voxcl"),
    .testTarget(
      name: "GraphCompilerTests",
      dependencies: ["GraphCompiler", "Models", "Training", "Volumes", "CPUBackend", "OpenCLBackend"]),
    .testTarget(
      name: "CPUBackendTests", dependencies: ["ExecutionPlan", "KernelCatalog", "CPUBackend"]),
    .testTarget(
      name: "SelfTestTests",
      dependencies: ["SelfTest", "ExecutionPlan", "KernelCatalog", "CPUBackend", "OpenCLBackend"]),
    .testTarget(name: "LayerGraphTests", dependencies: ["LayerGraph", "Models"]),
    .testTarget(
      name: "ConformanceTests",
      dependencies: ["ExecutionPlan", "KernelCatalog", "CPUBackend", "OpenCLBackend"]),
    .testTarget(name: "VolumesTests", dependencies: ["Volumes"], exclude: ["Values"]),
    .testTarget(
      name: "TrainingTests",
      dependencies: [
        "Training", "GraphCompiler", "LayerGraph", "Volumes", "Interchange", "ExecutionPlan", "CPUBackend",
      ]),
    .testTarget(name: "PredictionTests", dependencies: ["Training", "Volumes", "VoxCL"]),
    .testTarget(name: "VolumesTrainTests", dependencies: ["Volumes"], exclude: ["Reference"]),
    .testTarget(
      name: "MemoryPlacementTests", dependencies: ["MemoryPlacement"], exclude: ["Instances"]),
    .testTarget(
      name: "InterchangeTests", dependencies: ["Interchange", "LayerGraph"], exclude: ["Values", "FUZZING.md"]),
    .testTarget(
      name: "ReferenceTests",
      dependencies: [
        "ExecutionPlan", "LayerGraph", "GraphCompiler", "Models", "Training", "Interchange", "CPUBackend",
        "OpenCLBackend", .product(name: "RealModule", package: "swift-numerics"),
      ]),
  ],
  cLanguageStandard: .c2x
)

// VOXCL_TESTS="ConformanceTests CPUBackendTests" builds these test targets alone: a quick turn while a kernel is made.
if let wanted = Context.environment["VOXCL_TESTS"] {
  package.targets.removeAll { $0.type == .test && !wanted.split(separator: " ").contains($0.name[...]) }
}
