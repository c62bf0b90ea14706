#!/usr/bin/env python3
"""Time to a mean Dice: VoxCL and PyTorch train the same U-Net on the same volumes, one after the other.

Both take models/recipes/hippocampus.json (split, patch, batch, foreground share, loss, AdamW, schedule) with flips as
the only augmentation and PyTorch's initial distribution, look at the validation volumes every so many steps, and end at
the Dice asked for. The time runs from the program's start (data, planning, empty kernel cache and all) to the end of that
validation. PyTorch runs in channels_last_3d, its faster format for this network; its validation sees each volume in one
pass. One run is luck: take several
--seed.

Exits 1 where VoxCL takes more than --limit of PyTorch's time.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "reference"))
from voxcl import DEFAULT_BINARY  # noqa: E402

RECIPE = ROOT / "models/recipes/hippocampus.json"
PLAIN = ["rotation", "scaling", "noise", "brightness", "contrast", "gamma"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="images/ and labels/ of Medical Segmentation Decathlon's hippocampus volumes")
    parser.add_argument("--dice", type=float, default=0.865, help="mean of both labels (default 0.865)")
    parser.add_argument("--limit", type=float, default=0.4, help="of PyTorch's time (default 0.4)")
    parser.add_argument("--every", type=int, default=50, help="steps between validations (default 50)")
    parser.add_argument("--steps", type=int, default=2000, help="both give up after these (default 2000)")
    parser.add_argument("--seed", type=int, default=0, help="of weights and patches (default 0)")
    parser.add_argument("--voxcl", default=DEFAULT_BINARY)
    parser.add_argument("--device", default="opencl:0")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="voxcl-dice-") as folder:
        recipe = Path(folder) / "recipe.json"
        ours = voxcl(arguments, folder, recipe)
        theirs = pytorch(arguments, recipe)
    result = {"dice": arguments.dice, "voxcl": ours, "pytorch": theirs, "limit": arguments.limit}
    if ours["seconds"] and theirs["seconds"]:
        result["ratio"] = ours["seconds"] / theirs["seconds"]
    if arguments.json:
        print(json.dumps(result, indent=1))
    else:
        for name in ("voxcl", "pytorch"):
            curve = ", ".join(f"{v['step']}: {v['meanDice']:.3f} ({v['seconds']:.0f} s)" for v in result[name]["curve"])
            print(f"{name:8} {curve}")
        print(f"ratio {result['ratio']:.3f}, asked {arguments.limit}" if "ratio" in result else "Dice not reached")
    sys.exit(0 if result.get("ratio", 9) <= arguments.limit else 1)


def voxcl(arguments, folder, recipe):
    """Trains until the Dice is reached; leaves the resolved recipe and its split at `recipe`."""
    run = Path(folder) / "run"
    words = [arguments.voxcl, "train", str(RECIPE), "--run", str(run), "--device", arguments.device]
    words += ["--steps", str(arguments.steps)]
    settings = {"data.folder": str(Path(arguments.folder).resolve()), "training.validateEvery": arguments.every,
                "seed": arguments.seed}
    settings |= {f"augmentation.{name}Probability": 0 for name in PLAIN}
    for key, value in settings.items():
        words += ["--set", f"{key}={value}"]
    caches = {"VOXCL_CACHE": str(Path(folder) / "cache"), "POCL_CACHE_DIR": str(Path(folder) / "pocl")}
    start = time.perf_counter()
    log = open(Path(folder) / "log", "w")
    process = subprocess.Popen(words, env={**os.environ, **caches}, stdout=log, stderr=subprocess.STDOUT)
    curve, read = [], 0
    while True:
        running = process.poll() is None
        events = run / "events.jsonl"
        lines = events.read_text().split("\n")[:-1] if events.exists() else []
        for event in map(json.loads, lines[read:]):
            if event["event"] == "validation":
                curve.append({**{k: event[k] for k in ("step", "meanDice")}, "seconds": time.perf_counter() - start})
        read = len(lines)
        if not running or curve and curve[-1]["meanDice"] >= arguments.dice:
            break
        time.sleep(0.2)
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        process.wait()
    elif process.returncode:
        sys.exit(f"compare_dice: voxcl train ended with {process.returncode}: "
                 f"{(Path(folder) / 'log').read_text().strip().splitlines()[-1]}")
    resolved = json.loads((run / "recipe.json").read_text())
    recipe.write_text(json.dumps({"recipe": resolved, "split": json.loads((run / "splits.json").read_text())}))
    return reached(curve, arguments.dice)


def pytorch(arguments, recipe):
    """PyTorch's curve, from the start of its process."""
    words = [sys.executable, str(HERE / "pytorch_dice.py"), str(recipe), str(arguments.dice), str(arguments.steps)]
    start = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    curve = [{**json.loads(line), "seconds": time.perf_counter() - start} for line in process.stdout]
    if process.wait():
        sys.exit(f"compare_dice: pytorch_dice.py ended with {process.returncode}")
    return reached(curve, arguments.dice)


def reached(curve, dice):
    first = next((v for v in curve if v["meanDice"] >= dice), None)
    return {"seconds": first and first["seconds"], "step": first and first["step"], "curve": curve}


if __name__ == "__main__":
    main()
