#!/usr/bin/env python3
"""Compares what `voxcl compile MODEL -o FILE.onnx` writes, run by ONNX Runtime, with `voxcl run MODEL`.

    pip install onnx==1.23.2 onnxruntime==1.31.1
    python tools/reference/compare_onnx.py [--voxcl PATH] [--device cpu] [MODEL…]

Each file is checked by onnx's own checker (shape inference included) and run at a size that is not the export's; the
error is the norm of the difference over the output's norm. Exits 1 where it exceeds 1e-4.
"""
import argparse
import sys
import tempfile
from pathlib import Path

import numpy
import onnx
import onnxruntime
from safetensors.numpy import load_file, save_file

from voxcl import DEFAULT_BINARY, VoxCL

MODELS = ["unet3d", "S0", "S0-renorm", "S0-2D", "S1-as-code", "S1-as-text", "S2", "S3", "S4", "R1", "R2"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--voxcl", default=DEFAULT_BINARY)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    tool = VoxCL(arguments.voxcl, arguments.device)
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for model in arguments.models:
            error, shape, operators = compare(tool, model, Path(folder), arguments.device)
            worst = max(worst, error)
            print(f"{model:12} {'x'.join(map(str, shape)):20} error {error:.1e}  {' '.join(operators)}", flush=True)
    sys.exit(0 if worst <= 1e-4 else 1)


def compare(tool, model, folder, device):
    file, batch, out = folder / "net.onnx", folder / "in.safetensors", folder / "out.safetensors"
    tool.call("compile", model, "-o", file)
    net = onnx.load(file)
    onnx.checker.check_model(net, full_check=True)
    facts = {entry.key: entry.value for entry in net.metadata_props}
    divisor, remainder, margin = (
        numpy.array([int(n) for n in facts[f"voxcl.{key}"].split(",")]) for key in ("divisor", "remainder", "margin"))
    flat = [1, 3, 2] if model == "S0-2D" else [2, 3, 2]
    channels = net.graph.input[0].type.tensor_type.shape.dim[1].dim_value
    shape = (2, channels, *(divisor * flat + remainder + 2 * margin))
    values = numpy.random.default_rng(0).normal(size=shape).astype(numpy.float32)
    save_file({"input": values}, batch)
    tool.call("run", model, "--input", batch, "--output", out, "--device", device)
    own = load_file(out)["output"].astype(numpy.float64)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    other = session.run(None, {"input": values})[0]
    error = numpy.linalg.norm(other - own) / numpy.linalg.norm(own) if other.shape == own.shape else float("inf")
    file.unlink()
    return error, shape, sorted({node.op_type for node in net.graph.node})


if __name__ == "__main__":
    main()
