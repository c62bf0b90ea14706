#!/usr/bin/env python3
"""S4's claim for a laptop: a 512×512×200 CT (int16, .nii.gz) segmented at 160³ on the CPU, from file to file.

Makes a phantom of that size, trains S4 for one step to have a checkpoint of its full width, and times `voxcl predict`:
reading, resizing, one forward pass, the way back onto the scan's grid, writing. The first run may compile kernels; the
median of the others counts. Exits 1 above --limit.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
RECIPE = HERE.parent.parent / "models" / "recipes" / "s4-pancreas-as-code.json"


def call(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))}\n{done.stderr.strip()}")
    return done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="512x512x200")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--limit", type=float, default=8.0, help="seconds (default 8; the author: 10 to 15)")
    parser.add_argument("--device", default="opencl:0")
    parser.add_argument("--voxcl", default=str(HERE.parent.parent / ".build" / "release" / "voxcl"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        root = Path(root)
        call(arguments.voxcl, "phantom", "-o", root / "data", "--size", arguments.size, "--spacing", "0.75x0.75x1.5")
        data = {
            "folder": str(root / "data"), "imagePaths": ["images/{case}.nii.gz"], "labelPath": "labels/{case}.nii.gz",
            "classes": {"pancreas": 2}, "otherLabels": "background", "split": None,
        }
        (root / "recipe.json").write_text(json.dumps({"extends": str(RECIPE), "data": data}))
        call(
            arguments.voxcl, "train", root / "recipe.json", "--run", root / "run", "--steps", "1", "--no-tune",
            "--device", arguments.device)
        scan = next((root / "data" / "images").iterdir())
        seconds = []
        for _ in range(arguments.repeats):
            start = time.monotonic()
            call(
                arguments.voxcl, "predict", "--checkpoint", root / "run", scan, "-o", root / "out.nii.gz",
                "--device", arguments.device)
            seconds.append(time.monotonic() - start)
        size = scan.stat().st_size / 2**20
    median = statistics.median(seconds[1:] or seconds)
    print(
        f"{arguments.size}, {size:.0f} MiB compressed: first {seconds[0]:.2f} s, median of the others {median:.2f} s "
        f"({', '.join(f'{s:.2f}' for s in seconds)})")
    sys.exit(0 if median <= arguments.limit else 1)


if __name__ == "__main__":
    main()
