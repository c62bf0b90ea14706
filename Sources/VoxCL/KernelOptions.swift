import ExecutionPlan
import KernelCatalog

/// The OpenCL programs of a plan, with what a compiler is given to specialise each
/// (`-cl-std=CL1.2 -cl-mad-enable -DNAME=VALUE …`) and the calls of the plan that it serves.
public func openCLPrograms(of plan: ExecutionPlan) -> [(name: String, options: String, calls: Int)] {
  let shared = SharedKernels(plan.kernels)
  var calls = [Int](repeating: 0, count: shared.programs.count)
  for program in plan.programs { for call in program.calls { calls[shared.uses[call.kernel].program] += 1 } }
  return zip(shared.programs, calls).map { ($0.name, KernelText.options(for: $0), $1) }
}
