#!/usr/bin/env python3
"""Times inference of VoxCL and of OpenVINO, the fastest there is on CPUs, in turn; fp32, batch 1.

OpenVINO compiles PyTorch's twin of the network; f32 is judged, bf16 is shown beside it where the processor computes with
it. Rounds of both programs alternate, and of each the median counts. Exits 1 where a ratio exceeds its limit (not with
--quick). Needs openvino from PyPI in the environment that tools/reference/setup-python makes.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import openvino
import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "reference"))
import networks  # noqa: E402
from voxcl import DEFAULT_BINARY, VoxCL, VoxCLError  # noqa: E402

# input, input with --quick, limit
SYSTEMS = {
    "S3": ("1x1x128x128x64", "1x1x32x32x32", 0.5),
    "S2": ("1x1x96x96x96", "1x1x32x32x32", 0.5),
    "S4": ("1x1x160x160x160", "1x1x16x32x32", 0.6),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=list(SYSTEMS), help=f"of {', '.join(SYSTEMS)} (default all)")
    parser.add_argument("--voxcl", default=DEFAULT_BINARY, help=f"the binary (default {DEFAULT_BINARY})")
    parser.add_argument("--device", default="opencl:0", help="VoxCL's device (default opencl:0)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="small extents, no limits: only shows that it runs")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.rounds < 1 or any(model not in SYSTEMS for model in arguments.models):
        parser.error(f"expected --rounds of 1 or more and systems of {', '.join(SYSTEMS)}")
    try:
        tool = VoxCL(arguments.voxcl, arguments.device)
        results = [measure(tool, model, arguments) for model in arguments.models]
    except VoxCLError as error:
        sys.exit(f"compare_openvino: {error}")
    if arguments.json:
        print(json.dumps(results, indent=1))
    else:
        print(f"{'system, input':26}{'VoxCL s':>9}{'f32 s':>8}{'ratio':>7}{'asked':>7}{'bf16 s':>8}")
        for r in results:
            asked = "" if arguments.quick else f"{r['limit']:.2f}"
            bf16 = f"{r['bf16Seconds']:8.3f}" if "bf16Seconds" in r else f"{'–':>8}"
            print(f"{r['model'] + ', ' + r['input']:26}{r['voxclSeconds']:9.3f}{r['f32Seconds']:8.3f}"
                  f"{r['ratio']:7.3f}{asked:>7}{bf16}")
    sys.exit(0 if arguments.quick or all(r["ratio"] <= r["limit"] for r in results) else 1)


def measure(tool, model, arguments):
    """Medians of both programs."""
    full, small, limit = SYSTEMS[model]
    shape = small if arguments.quick else full
    image = torch.randn([int(n) for n in shape.split("x")])
    capable = "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    peers = {name: peer(model, image, name) for name in (("f32", "bf16") if capable else ("f32",))}
    times = {name: [] for name in (*peers, "voxcl")}
    for _ in range(arguments.rounds):
        for name, run in peers.items():
            times[name].append(run())
        words = ["bench", model, "--mode", "predict", "--input", shape, *tool.on_device()]
        times["voxcl"].append(tool.call_json(*words)["secondsPerStep"])
    medians = {name: statistics.median(values) for name, values in times.items()}
    return {
        "model": model, "input": shape, "limit": limit, "openvino": openvino.__version__,
        **{f"{name}Seconds": seconds for name, seconds in medians.items()}, "ratio": medians["voxcl"] / medians["f32"],
    }


def peer(model, image, precision):
    """A function that runs OpenVINO once, warm, and returns its seconds."""
    network = networks.build(model).eval()
    converted = openvino.convert_model(network, example_input=image, input=list(image.shape))
    request = openvino.Core().compile_model(
        converted, "CPU", {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
    ).create_infer_request()
    values = image.numpy()

    def run():
        start = time.perf_counter()
        request.infer([values])
        return time.perf_counter() - start

    run()
    return run


if __name__ == "__main__":
    main()
