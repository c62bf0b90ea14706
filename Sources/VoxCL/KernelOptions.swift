import ExecutionPlan
import KernelCatalog

/// What an OpenCL compiler is given to specialise this kernel: `-cl-std=CL1.2 -cl-mad-enable -DNAME=VALUE …`.
public func openCLOptions(of kernel: Kernel) -> String { KernelText.options(for: kernel) }
