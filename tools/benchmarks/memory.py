#!/usr/bin/env python3
"""What training steps need, what less memory costs, and whether the prediction holds.

Without a device: the peaks of the published systems at their authors' sizes, each arena against its lower bound, the
memory-time curve of every network (monotone in both), and R2's price at three shares of its activations. With --run
also, on a device: bytes allocated against predicted, the process's growth from a small input to a large one against
the predicted growth, and S3 at 256x256x128 within 2.5 GiB against its own plan without a budget, in turn.

Exits 1 where a figure is missed.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "reference"))
from voxcl import DEFAULT_BINARY, VoxCL  # noqa: E402

GIB = 1 << 30
MODELS = ["S0", "S0-2D", "S1-as-code", "S1-as-text", "S2", "S3", "S4", "R1", "R2"]
# Network, input, precision, optimizer, budget of the plan, bytes asked for. Those of S3 are shares of PyTorch's 4.1 GiB.
PEAKS = [
    ("S3", "2x1x128x128x64", "fp32", "adam", None, 0.42 * 4.1 * GIB),
    ("S3", "2x1x128x128x64", "mixed", "adam", None, 0.24 * 4.1 * GIB),
    ("R2", "2x1x128x128x128", "mixed", "adam", None, 2.65 * GIB),
    ("R2", "2x1x128x128x128", "mixed", "momentum", None, 2.5 * GIB),
    ("S0", "1x1x148x148x140", "fp32", "adam", "2.3GiB", 2.3 * GIB),
    ("S4", "1x1x160x160x160", "fp32", "adam", "3.2GiB", 3.2 * GIB),
    ("S4", "1x1x160x160x160", "mixed", "adam", None, 1.7 * GIB),
]
# Small inputs that each network takes.
SMALL = [
    ("S0", "1x1x92x92x92"), ("S0-2D", "1x1x1x92x92"), ("S1-as-code", "1x1x16x96x96"), ("S1-as-text", "1x1x16x96x96"),
    ("S2", "1x1x32x32x32"), ("S3", "1x1x64x64x64"), ("S4", "1x1x64x64x64"), ("R1", "1x1x64x64x64"),
    ("R2", "1x1x64x64x64"),
]
# Share of R2's bytes without the state, and the largest share of its operations that may be done again.
PRICES = [(0.75, 0.010), (0.65, 0.045), (0.5, 0.22)]


class Figures:
    """Prints figures and remembers whether one was missed."""

    def __init__(self):
        self.missed = 0

    def show(self, text, holds):
        self.missed += not holds
        print(f"{text}  {'ok' if holds else 'MISSED'}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", action="store_true", help="also what needs a device and minutes")
    parser.add_argument("--repeats", type=int, default=3, help="timed steps of each plan (default 3)")
    parser.add_argument("--voxcl", default=DEFAULT_BINARY)
    parser.add_argument("--device", default="opencl:0")
    arguments = parser.parse_args()
    tool = VoxCL(arguments.voxcl, arguments.device)
    figures = Figures()
    peaks(tool, figures)
    curves(tool, figures)
    prices(tool, figures)
    if arguments.run:
        allocated(tool, figures)
        growth(tool, figures)
        large(tool, figures, arguments.repeats)
    sys.exit(1 if figures.missed else 0)


def peaks(tool, figures):
    print("peak bytes of a training step: activations, gradients, workspace, weights, gradients, moments")
    for model, shape, precision, optimizer, budget, limit in PEAKS:
        words = ["--input", shape, "--precision", precision, "--optimizer", optimizer]
        plan = tool.call_json("profile", model, *words, *(["--memory-budget", budget] if budget else []))
        extra = (plan.get("recompute") or {"extraTime": 0})["extraTime"]
        found = plan["predictedPeakBytes"]
        again = f", {100 * extra:.1f} % more time" if budget else ""
        figures.show(
            f"  {model} {shape} {precision} {optimizer}: {found / GIB:.3f} GiB (asked {limit / GIB:.3f}){again}",
            found <= limit,
        )


def curves(tool, figures):
    print("arena against its lower bound, and the memory-time curve")
    for model in MODELS:
        for precision in ("fp32", "mixed"):
            start = time.monotonic()
            plan = tool.call_json("profile", model, "--precision", precision, "--curve")
            seconds = time.monotonic() - start
            curve = plan["curve"]
            pairs = list(zip(curve, curve[1:]))
            monotone = all(b["bytes"] < a["bytes"] and b["extraTime"] >= a["extraTime"] for a, b in pairs)
            gap = plan["predictedPeakBytes"] - plan["lowerBoundBytes"]
            figures.show(
                f"  {model} {precision}: {plan['predictedPeakBytes'] / GIB:.3f} GiB, gap {gap} bytes; {len(curve)} points "
                f"down to {curve[-1]['bytes'] / GIB:.3f} GiB at {100 * curve[-1]['extraTime']:.1f} % ({seconds:.1f} s)",
                gap == 0 and monotone,
            )


def prices(tool, figures):
    print("R2 at 2x1x128x128x128, mixed: operations done again at shares of its bytes without the state")
    words = ["R2", "--input", "2x1x128x128x128", "--precision", "mixed"]
    whole = tool.call_json("profile", *words)
    activations = whole["predictedPeakBytes"] - whole["stateBytes"]
    for share, limit in PRICES:
        start = time.monotonic()
        budget = int(whole["stateBytes"] + share * activations)
        plan = tool.call_json("profile", *words, "--memory-budget", budget)
        seconds = time.monotonic() - start
        extra = plan["recompute"]["extraFLOPs"]
        figures.show(
            f"  {share}: {100 * extra:.1f} % (asked {100 * limit:.1f}), {100 * plan['recompute']['extraTime']:.1f} % of the "
            f"time by the model, planned in {seconds:.2f} s (asked 1)",
            extra <= limit and seconds < 1 and plan["predictedPeakBytes"] <= budget,
        )


def allocated(tool, figures):
    print("bytes allocated against predicted, at small inputs")
    for model, shape in SMALL:
        for precision in ("fp32", "mixed"):
            plan = tool.call_json(
                "profile", model, "--input", shape, "--precision", precision, "--run", *tool.on_device())
            figures.show(
                f"  {model} {shape} {precision}: {plan['allocatedBytes']} of {plan['predictedPeakBytes']}",
                plan["allocatedBytes"] == plan["predictedPeakBytes"],
            )


def resident(tool, *words, log=os.devnull):
    """Most resident bytes of a process that runs these words; what it prints goes to `log`."""
    with open(log, "w") as out:
        process = subprocess.Popen([tool.binary, *map(str, words)], stdout=out, stderr=out if log != os.devnull else None)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"memory: {' '.join(map(str, words))} failed")
    return 1024 * usage.ru_maxrss


def growth(tool, figures):
    print("growth of the process from a small input to a large one, against the predicted growth (asked within 5 %)")
    for model, small, large_ in [("S3", "1x1x64x64x64", "2x1x128x128x64"), ("S2", "1x1x32x32x32", "2x1x96x96x96")]:
        predicted, measured = [], []
        for shape in (small, large_):
            words = ["profile", model, "--input", shape, "--run", *tool.on_device()]
            plan = tool.call_json(*words)
            # Arrays of one batch on the host; the parameters are the same in both.
            predicted.append(plan["predictedPeakBytes"] + plan["hostPeakBytes"])
            measured.append(min(resident(tool, *words) for _ in range(2)))
        ratio = (measured[1] - measured[0]) / (predicted[1] - predicted[0])
        figures.show(
            f"  {model}: {(measured[1] - measured[0]) / GIB:.3f} GiB measured, {(predicted[1] - predicted[0]) / GIB:.3f} "
            f"predicted, {ratio:.3f}",
            abs(ratio - 1) <= 0.05,
        )


def large(tool, figures, repeats):
    print("S3 at 1x1x256x256x128, mixed, within 2.5 GiB, against its plan without a budget, in turn")
    words = ["bench", "S3", "--input", "1x1x256x256x128", "--precision", "mixed", "--repeats", repeats, *tool.on_device()]
    ratios, bytes_ = [], []
    for _ in range(3):
        whole = tool.call_json(*words)
        fitted = tool.call_json(*words, "--memory-budget", "2.5GiB")
        ratios.append(fitted["secondsPerStep"] / whole["secondsPerStep"])
        bytes_.append((whole["bytes"], fitted["bytes"]))
    ratio = statistics.median(ratios)
    figures.show(
        f"  {bytes_[0][0] / GIB:.3f} GiB without, {bytes_[0][1] / GIB:.3f} GiB with the budget, {ratio:.3f} of the time "
        f"(asked 1.2; {', '.join(f'{r:.3f}' for r in ratios)})",
        ratio <= 1.2 and bytes_[0][1] <= 2.5 * GIB,
    )


if __name__ == "__main__":
    main()
