// One import gives a user the declaration of networks, the compiler and training.
@_exported import GraphCompiler
@_exported import Interchange
@_exported import LayerGraph
@_exported import MemoryPlacement
@_exported import Models
@_exported import SelfTest
@_exported import Training
@_exported import Volumes
