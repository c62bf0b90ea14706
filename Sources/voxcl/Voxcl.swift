import ArgumentParser

@main
struct Voxcl: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "voxcl",
    abstract: "Trains 3D segmentation networks on any OpenCL device, with every byte planned beforehand.",
    version: "0.1.0",
    subcommands: [
      DevicesCommand.self, CheckCommand.self, PlanCommand.self, TrainCommand.self, ProfileCommand.self, CompileCommand.self,
      RunCommand.self, StepCommand.self,
      PlaceCommand.self, PredictCommand.self, EvaluateCommand.self,
      PhantomCommand.self, InspectCommand.self, SelftestCommand.self, BenchCommand.self, TuneCommand.self,
      PrepareKernelsCommand.self,
    ])
}
