#!/usr/bin/env python3
"""A U-Net's training step on one OpenCL device: tinygrad's and VoxCL's, in turn.

The network is VoxCL's `unet3d` (16, 32, 64, 128 channels, instance norm, leaky ReLU, max-pool, transposed
convolutions), the step forward, cross-entropy, backward and Adam on 1 x 1 x 32^3 in fp32. First steps are timed with
empty caches on both sides; of the later ones the median counts. Needs tinygrad from PyPI.

Exits 1 where VoxCL's step is not --limit times faster, or its first step not --first times sooner.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "reference"))
from voxcl import DEFAULT_BINARY, VoxCL  # noqa: E402

WIDTHS = [16, 32, 64, 128]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--extent", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=3, help="timed steps of tinygrad (default 3)")
    parser.add_argument("--limit", type=float, default=80, help="times faster (default 80)")
    parser.add_argument("--first", type=float, default=10, help="first step, times sooner (default 10)")
    parser.add_argument("--voxcl", default=DEFAULT_BINARY)
    parser.add_argument("--device", default="opencl:0", help="VoxCL's name of the device that tinygrad takes as CL")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        return work(arguments)
    with tempfile.TemporaryDirectory(prefix="voxcl-tinygrad-") as folder:
        caches = {name: str(Path(folder) / name) for name in ("VOXCL_CACHE", "POCL_CACHE_DIR", "XDG_CACHE_HOME")}
        os.environ.update(caches)
        words = [sys.executable, __file__, "--worker", "--extent", arguments.extent, "--repeats", arguments.repeats]
        done = subprocess.run([*map(str, words)], env={**os.environ, "DEV": "CL", "TRAINING": "1"}, stdout=subprocess.PIPE, text=True)
        if done.returncode:
            sys.exit(f"compare_tinygrad: tinygrad's process ended with {done.returncode}")
        theirs = json.loads(done.stdout.splitlines()[-1])
        tool = VoxCL(arguments.voxcl, arguments.device)
        extent = "x".join([str(arguments.extent)] * 3)
        ours = tool.call_json("bench", "unet3d", "--input", f"1x1x{extent}", "--repeats", 5, *tool.on_device())
    steps = theirs["steps"]
    faster = statistics.median(steps[2:]) / ours["secondsPerStep"]
    sooner = steps[0] / ours["firstStepSeconds"]
    print(f"tinygrad {theirs['version']} on {theirs['device']}: first {steps[0]:.1f} s, second {steps[1]:.1f} s, "
          f"then {statistics.median(steps[2:]):.2f} s")
    print(f"VoxCL on {ours['device']}: first {ours['firstStepSeconds']:.1f} s, then {ours['secondsPerStep']:.4f} s")
    print(f"{faster:.0f} times faster (asked {arguments.limit:.0f}), first step {sooner:.1f} times sooner "
          f"(asked {arguments.first:.0f})")
    sys.exit(0 if faster >= arguments.limit and sooner >= arguments.first else 1)


def work(arguments):
    """tinygrad's side: seconds of each step, as a line of JSON."""
    from importlib.metadata import version

    from tinygrad import Device, Tensor, TinyJit, nn

    class Block:
        """Convolution 3^3, instance norm with scale and shift, leaky ReLU."""

        def __init__(self, inputs, outputs):
            self.conv = nn.Conv2d(inputs, outputs, (3, 3, 3), padding=1)
            self.norm = nn.InstanceNorm(outputs)

        def __call__(self, x):
            return self.norm(self.conv(x)).leaky_relu(0.01)

    class UNet:
        def __init__(self):
            last = len(WIDTHS) - 1
            self.down = [
                [Block(a, b), Block(b, b)] for a, b in zip([1, *WIDTHS], WIDTHS)
            ]
            self.up = [nn.ConvTranspose2d(WIDTHS[i + 1], WIDTHS[i], (2, 2, 2), stride=2) for i in range(last)]
            self.join = [[Block(2 * w, w), Block(w, w)] for w in WIDTHS[:-1]]
            self.head = nn.Conv2d(WIDTHS[0], 2, (1, 1, 1))

        def __call__(self, x):
            skips = []
            for level, blocks in enumerate(self.down):
                x = x.max_pool2d((2, 2, 2)) if level else x
                x = x.sequential(blocks)
                skips.append(x)
            for level in reversed(range(len(self.up))):
                x = skips[level].cat(self.up[level](x), dim=1).sequential(self.join[level])
            return self.head(x)

    network = UNet()
    optimizer = nn.optim.Adam(nn.state.get_parameters(network), lr=1e-3)
    extent = (arguments.extent,) * 3
    image = Tensor.randn(1, 1, *extent).realize()
    target = Tensor.randint(1, *extent, high=2).realize()

    @TinyJit
    def step():
        optimizer.zero_grad()
        logits = network(image).permute(0, 2, 3, 4, 1).reshape(-1, 2)
        loss = logits.sparse_categorical_crossentropy(target.flatten())
        loss.backward()
        optimizer.step()
        return loss.realize()

    seconds = []
    for _ in range(2 + arguments.repeats):
        start = time.perf_counter()
        step().item()
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"version": version("tinygrad"), "device": Device.DEFAULT, "steps": seconds}))


if __name__ == "__main__":
    main()
