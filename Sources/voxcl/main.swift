print("voxcl")
