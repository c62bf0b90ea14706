#!/usr/bin/env python3
"""Times VoxCL's and PyTorch's full training steps in turn, and compares their peak bytes.

A step is forward, cross-entropy (S1: binary, its channels are independent), backward and Adam in fp32, with the
network's dropout on, on one random batch; with --precision mixed, VoxCL's mixed fp16 against PyTorch's bf16 autocast.
PyTorch runs in both memory formats; the faster one counts. Steps of both programs alternate, and of each the median
counts: the ratio, not the absolute time, is what a shared machine can tell. Peak bytes hold everything on both sides:
activations, workspace, inputs, targets, weights, gradients, moments. --device cpu times VoxCL's own CPU backend.

Extents are D x H x W; S3's 128x128x64 is its author's (x, y, z), used verbatim. Exits 1 where a ratio exceeds its
limit (not with --quick, whose extents are too small to judge).
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "reference"))
from voxcl import DEFAULT_BINARY, VoxCL, VoxCLError  # noqa: E402

# input, input with --quick, limit of time, limit of bytes
SYSTEMS = {
    "S3": ("2x1x128x128x64", "2x1x32x32x32", 0.14, 0.50),
    "S2": ("2x1x96x96x96", "2x1x32x32x32", 0.28, 0.60),
    "S0": ("1x1x140x140x140", "1x1x92x92x92", 0.25, None),
    "S1-as-code": ("3x1x16x168x168", "3x1x16x32x32", 0.35, None),
    "S4": ("1x1x160x160x160", "1x1x16x32x32", 0.28, None),
    "R1": ("1x1x128x128x128", "1x1x32x32x32", 0.20, None),
}
# Limits of time against bf16 autocast, and of VoxCL's CPU backend.
MIXED_LIMITS = {"S3": 0.35, "R1": 0.40}
CPU_BACKEND_LIMITS = {"S3": 1.0, "S2": 1.0}
FORMATS = ["contiguous", "channels_last_3d"]


class Worker:
    """A PyTorch process that waits for requests."""

    def __init__(self, model, shape, memory_format, arguments):
        threads = arguments.threads
        words = [sys.executable, str(HERE / "pytorch_worker.py"), model, shape, memory_format]
        words += ["--precision", arguments.precision]
        words += ["--threads", str(threads)] if threads else []
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, what):
        """The answer to one request."""
        try:
            self.process.stdin.write(json.dumps({"do": what}) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        line = self.process.stdout.readline()
        if not line:
            raise VoxCLError(f"the PyTorch process ended with exit {self.process.wait()}; see its message above")
        return json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


def main():
    arguments = parse()
    results = []
    try:
        tool = VoxCL(arguments.voxcl, arguments.device) if not arguments.pytorch_only else None
        for model in arguments.models:
            results.append(measure(tool, model, arguments))
            if not arguments.json:
                report(results[-1])
    except VoxCLError as error:
        sys.exit(f"compare_pytorch: {error}")
    if arguments.json:
        print(json.dumps(results, indent=1))
    sys.exit(0 if all(r.get("ok", True) for r in results) else 1)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=list(SYSTEMS), help=f"of {', '.join(SYSTEMS)} (default all)")
    parser.add_argument("--voxcl", default=DEFAULT_BINARY, help=f"the binary (default {DEFAULT_BINARY})")
    parser.add_argument("--device", default="opencl:0", help="VoxCL's device (default opencl:0)")
    parser.add_argument("--precision", choices=["fp32", "mixed"], default="fp32", help="mixed: PyTorch's bf16 autocast")
    parser.add_argument("--repeats", type=int, default=2, help="timed steps of each program (default 2)")
    parser.add_argument("--input", help="NxCxDxHxW of all models, instead of the published ones")
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=FORMATS, help="PyTorch's (default both)")
    parser.add_argument("--threads", type=int, help="PyTorch's threads (default its own choice)")
    parser.add_argument("--quick", action="store_true", help="small extents, no limits: only shows that it runs")
    parser.add_argument("--pytorch-only", action="store_true", help="leave VoxCL out")
    parser.add_argument("--no-memory", action="store_true", help="leave the bytes out")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    for model in arguments.models:
        if model not in SYSTEMS:
            parser.error(f"no system {model!r}, expected some of {', '.join(SYSTEMS)}")
    if arguments.repeats < 1:
        parser.error("--repeats must be at least 1")
    return arguments


def measure(tool, model, arguments):
    """Everything about one network, as the JSON shows it."""
    full, small, time_limit, bytes_limit = SYSTEMS[model]
    if arguments.precision == "mixed" or arguments.device == "cpu":
        limits = MIXED_LIMITS if arguments.precision == "mixed" else CPU_BACKEND_LIMITS
        time_limit, bytes_limit = limits.get(model), None
    shape = arguments.input or (small if arguments.quick else full)
    judged = shape == full and tool is not None
    workers = {f: Worker(model, shape, f, arguments) for f in arguments.formats}
    try:
        trials = {}
        for name, worker in workers.items():
            worker.ask("step")  # warm-up
            trials[name] = worker.ask("step")["seconds"] if len(workers) > 1 else 0.0
        fastest = min(trials, key=trials.get)
        for name in [n for n in workers if n != fastest]:
            workers.pop(name).__exit__()
        result = {"model": model, "input": shape, "precision": arguments.precision, "pytorchFormat": fastest}
        if len(trials) > 1:
            result["pytorchTrialSeconds"] = trials
        torch_seconds, voxcl_seconds, reports = [], [], []
        for _ in range(arguments.repeats):
            answer = workers[fastest].ask("step")
            torch_seconds.append(answer["seconds"])
            if tool is not None:
                words = ["bench", model, "--input", shape, "--precision", arguments.precision]
                words += ["--repeats", 2, *tool.on_device()]
                reports.append(tool.call_json(*words))
                voxcl_seconds.append(reports[-1]["secondsPerStep"])
        result.update({"torch": answer["torch"], "threads": answer["threads"], "pytorchSeconds": torch_seconds})
        if not arguments.no_memory:
            with Worker(model, shape, fastest, arguments) as fresh:
                result["pytorchPeakBytes"] = fresh.ask("peak")["peakBytes"]
    finally:
        for worker in workers.values():
            worker.__exit__()
    if tool is not None:
        add_ratios(result, arguments, voxcl_seconds, reports[-1], judged, time_limit, bytes_limit)
    return result


def add_ratios(result, arguments, seconds, report, judged, time_limit, bytes_limit):
    """VoxCL's figures, the ratios, and whether they hold their limits."""
    median = statistics.median
    result["voxclSeconds"] = seconds
    result["timeRatio"] = median(seconds) / median(result["pytorchSeconds"])
    limits = [("timeRatio", time_limit)] if time_limit else []
    if not arguments.no_memory:
        result["voxclPeakBytes"] = report["bytes"]
        result["bytesRatio"] = result["voxclPeakBytes"] / result["pytorchPeakBytes"]
        limits += [("bytesRatio", bytes_limit)] if bytes_limit else []
    if judged:
        result["limits"] = dict(limits)
        result["ok"] = all(result[key] <= limit for key, limit in limits)


def report(result):
    """A few lines for people."""
    median, mebi = statistics.median, 1024 * 1024
    print(f"{result['model']} {result['input']} {result['precision']}, ", end="")
    print(f"PyTorch {result['torch']} {result['pytorchFormat']}")
    for name, seconds in result.get("pytorchTrialSeconds", {}).items():
        print(f"  PyTorch {name:18} {seconds:8.3f} s (one step, to choose the format)")
    print(f"  PyTorch step  {median(result['pytorchSeconds']):8.3f} s", end="")
    if "pytorchPeakBytes" in result:
        print(f" {result['pytorchPeakBytes'] / mebi:9.1f} MiB", end="")
    print()
    if "voxclSeconds" in result:
        print(f"  VoxCL step    {median(result['voxclSeconds']):8.3f} s", end="")
        if "voxclPeakBytes" in result:
            print(f" {result['voxclPeakBytes'] / mebi:9.1f} MiB", end="")
        print(f"\n  ratio         {result['timeRatio']:8.3f}", end="")
        print(f"   {result['bytesRatio']:9.3f}" if "bytesRatio" in result else "")
    if "limits" in result:
        limits = ", ".join(f"{key} at most {limit}" for key, limit in result["limits"].items())
        print(f"  {'ok' if result['ok'] else 'FAIL'}: {limits}")


if __name__ == "__main__":
    main()
