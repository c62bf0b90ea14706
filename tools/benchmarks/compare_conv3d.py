#!/usr/bin/env python3
"""Times 3x3x3 convolutions of VoxCL and of PyTorch (oneDNN, channels_last_3d) in turn.

VoxCL's forward seconds hold everything around the sum: the norm and activation applied as the input is read, padding,
the weights' transform, and the statistics of the norm behind it; PyTorch's are of the bare convolution. Backward is
both gradients (for one input channel, a network's first layer, the weight's alone). Rounds of both programs alternate;
of each the fastest round counts. Exits 1 where a ratio exceeds its limit.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "reference"))
from voxcl import DEFAULT_BINARY, VoxCL, VoxCLError  # noqa: E402

# channels in and out, extent, limit of the forward and of the backward ratio
CASES = [
    (1, 32, 96, 0.15, None),
    (16, 16, 96, 0.27, 0.35),
    (32, 32, 96, 0.27, 0.35),
    (64, 64, 48, 0.27, 0.35),
    (128, 128, 24, 0.27, 0.35),
    (256, 256, 12, 0.40, 0.35),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voxcl", default=DEFAULT_BINARY, help=f"the binary (default {DEFAULT_BINARY})")
    parser.add_argument("--device", default="opencl:0", help="VoxCL's device (default opencl:0)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", type=int, nargs="+", help="input channels of the cases to run")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("--rounds must be at least 1")
    cases = [c for c in CASES if not arguments.only or c[0] in arguments.only]
    try:
        results = [measure(VoxCL(arguments.voxcl, arguments.device), case, arguments.rounds) for case in cases]
    except VoxCLError as error:
        sys.exit(f"compare_conv3d: {error}")
    if arguments.json:
        print(json.dumps(results, indent=1))
    else:
        print(f"{'channels, extent':18}{'forward ms':>12}{'PyTorch':>9}{'ratio':>7}{'asked':>7}"
              f"{'backward ms':>13}{'PyTorch':>9}{'ratio':>7}{'asked':>7}")
        for r in results:
            print(row(r))
    sys.exit(0 if all(r["ok"] for r in results) else 1)


def measure(tool, case, rounds):
    """Both programs' fastest rounds of one case."""
    inputs, outputs, extent, forward_limit, backward_limit = case
    peer = Peer(inputs, outputs, extent)
    words = ["bench", "conv3d", "--channels", inputs, "--outputs", outputs, "--extent", extent, *tool.on_device()]
    ours, theirs = [], []
    for _ in range(rounds):
        theirs.append(peer.seconds())
        times = tool.call_json(*words)
        ours.append((times["forwardSeconds"], times["dataGradientSeconds"] + times["weightGradientSeconds"]))
    best = [[min(r[i] for r in side) for i in range(2)] for side in (ours, theirs)]
    ratios = [a / b for a, b in zip(*best)]
    limits = [forward_limit, backward_limit]
    return {
        "inputs": inputs, "outputs": outputs, "extent": extent, "voxclSeconds": best[0], "pytorchSeconds": best[1],
        "ratios": ratios, "limits": limits, "ok": all(not m or r <= m for r, m in zip(ratios, limits)),
    }


class Peer:
    """PyTorch's convolution."""

    def __init__(self, inputs, outputs, extent):
        layout = torch.channels_last_3d
        self.conv = torch.nn.Conv3d(inputs, outputs, 3, padding=1, bias=False).to(memory_format=layout)
        self.x = torch.randn(1, inputs, extent, extent, extent).to(memory_format=layout).requires_grad_(inputs > 1)
        with torch.no_grad():
            self.gradient = torch.randn_like(self.conv(self.x)).to(memory_format=layout)
        self.seconds()

    def seconds(self):
        """Forward and backward, medians of three."""
        forward, backward = [], []
        for _ in range(3):
            self.conv.weight.grad = self.x.grad = None
            start = time.perf_counter()
            y = self.conv(self.x)
            middle = time.perf_counter()
            y.backward(self.gradient)
            forward.append(middle - start)
            backward.append(time.perf_counter() - middle)
        return sorted(forward)[1], sorted(backward)[1]


def row(r):
    """One line of the table."""
    cells = f"{r['inputs']}→{r['outputs']}, {r['extent']}³".ljust(18)
    for i, width in ((0, 12), (1, 13)):
        limit = "" if r["limits"][i] is None else f"{r['limits'][i]:.2f}"
        cells += f"{1000 * r['voxclSeconds'][i]:{width}.1f}{1000 * r['pytorchSeconds'][i]:9.1f}"
        cells += f"{r['ratios'][i]:7.3f}{limit:>7}"
    return cells


if __name__ == "__main__":
    main()
