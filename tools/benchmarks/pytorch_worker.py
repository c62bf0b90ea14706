#!/usr/bin/env python3
"""PyTorch's side of compare_pytorch.py: a process that trains one network and answers one line of JSON per line.

Requests: {"do": "step"} -> {"seconds": s}; {"do": "peak"} -> {"peakBytes": b}. Started by compare_pytorch.py.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # the profiler's chatter about missing GPUs

import torch  # noqa: E402
from torch.nn import functional  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "reference"))
import networks  # noqa: E402

# The twin of each system, its options, and whether its channels are independent.
NETWORKS = {
    "S0": ("S0", {}, False),
    "S1-as-code": ("S1", {"form": "asCode"}, True),
    "S2": ("S2", {}, False),
    "S3": ("S3", {}, False),
    "S4": ("S4", {}, False),
    "R1": ("R1", {}, False),
}
FORMATS = {"contiguous": torch.contiguous_format, "channels_last_3d": torch.channels_last_3d}


class Trainer:
    """A network with its batch and Adam; `step` is forward, backward and update."""

    def __init__(self, model, shape, memory_format, precision):
        self.autocast = torch.autocast("cpu", torch.bfloat16, enabled=precision == "mixed")
        torch.manual_seed(0)
        layout = FORMATS[memory_format]
        network, options, self.independent = NETWORKS[model]
        self.network = networks.build(network, **options).to(memory_format=layout)
        self.image = torch.randn(shape).to(memory_format=layout)
        with torch.no_grad():  # valid convolutions leave less than the input
            classes, *extent = self.network(self.image[:1]).shape[1:]
        if self.independent:
            self.target = torch.randint(0, 2, (shape[0], classes, *extent)).float()
        else:
            self.target = torch.randint(0, classes, (shape[0], *extent))
        self.optimizer = torch.optim.Adam(self.network.parameters(), 1e-4)

    def step(self):
        """Seconds of one step. PyTorch frees the gradients between steps, which is to its advantage."""
        start = time.perf_counter()
        self.optimizer.zero_grad(set_to_none=True)
        with self.autocast:
            output = self.network(self.image)
            if self.independent:
                loss = functional.binary_cross_entropy_with_logits(output, self.target)
            else:
                loss = functional.cross_entropy(output, self.target)
        loss.backward()
        self.optimizer.step()
        loss.item()
        return time.perf_counter() - start


def peak_bytes(*trainer_arguments):
    """Most bytes that PyTorch's CPU allocator held at once over two steps.

    Everything is built inside the profile, so the running sum of allocations and frees counts weights, inputs,
    targets, gradients, moments, activations and the allocator's workspace; scratch memory that oneDNN takes past the
    allocator is not seen, which is to PyTorch's advantage.
    """
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        trainer = Trainer(*trainer_arguments)
        trainer.step()
        trainer.step()
    with tempfile.TemporaryDirectory(prefix="voxcl-profile-") as folder:
        path = os.path.join(folder, "trace.json")
        recorded.export_chrome_trace(path)
        with open(path) as file:
            events = json.load(file)["traceEvents"]
    changes = [(e["ts"], e["args"]["Bytes"]) for e in events if e.get("name") == "[memory]"]
    if not changes:
        raise RuntimeError("the profiler recorded no allocation")
    live = peak = 0
    for _, size in sorted(changes, key=lambda change: change[0]):
        live += size
        peak = max(peak, live)
    return peak


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("shape", help="NxCxDxHxW")
    parser.add_argument("format", choices=FORMATS)
    parser.add_argument("--precision", choices=["fp32", "mixed"], default="fp32", help="mixed: bf16 autocast")
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    shape = tuple(int(n) for n in arguments.shape.split("x"))
    choices = arguments.model, shape, arguments.format, arguments.precision
    trainer = None
    for line in sys.stdin:
        request = json.loads(line)["do"]
        if request == "step":
            trainer = trainer or Trainer(*choices)
            answer = {"seconds": trainer.step()}
        else:
            trainer = None
            answer = {"peakBytes": peak_bytes(*choices)}
        answer.update({"torch": torch.__version__, "threads": torch.get_num_threads()})
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
