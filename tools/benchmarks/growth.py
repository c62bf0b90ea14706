#!/usr/bin/env python3
"""How a network's training step grows with its input: seconds a voxel at several extents, and the host's share.

The optimizer's seconds, which do not grow with the input, are left out; so is all that happens once. Exits 1 where the
slowest and the fastest voxel lie more than --spread around their middle, or the host takes more than --host of a step.
"""

import argparse
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "reference"))
from voxcl import DEFAULT_BINARY, VoxCL  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="S3")
    parser.add_argument("--extents", type=int, nargs="+", default=[64, 96, 128, 160])
    parser.add_argument("--spread", type=float, default=0.15, help="of the middle (default 0.15)")
    parser.add_argument("--host", type=float, default=0.02, help="of the largest step (default 0.02)")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--voxcl", default=DEFAULT_BINARY)
    parser.add_argument("--device", default="opencl:0")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    tool = VoxCL(arguments.voxcl, arguments.device)
    rows = []
    for extent in arguments.extents:
        words = ["bench", arguments.model, "--input", f"1x1x{extent}x{extent}x{extent}"]
        report = tool.call_json(*words, "--repeats", arguments.repeats, *tool.on_device())
        seconds = report["secondsPerStep"] - report["updateSeconds"]
        rows.append({
            "extent": extent, "secondsPerStep": report["secondsPerStep"], "updateSeconds": report["updateSeconds"],
            "nanosecondsPerVoxel": 1e9 * seconds / extent**3,
            "hostShare": report["hostShare"],
        })
    costs = [row["nanosecondsPerVoxel"] for row in rows]
    middle = (max(costs) + min(costs)) / 2
    spread = max(costs) / middle - 1
    if arguments.json:
        print(json.dumps({"model": arguments.model, "rows": rows, "spread": spread}, indent=1))
    else:
        for row in rows:
            print(f"{arguments.model} {row['extent']:4}^3: step {row['secondsPerStep']:.3f} s "
                  f"(optimizer {row['updateSeconds']:.3f}), {row['nanosecondsPerVoxel']:.0f} ns a voxel, "
                  f"host {row['hostShare']:.1%}")
        print(f"within {spread:.1%} of their middle, asked {arguments.spread:.0%}")
    sys.exit(0 if spread <= arguments.spread and rows[-1]["hostShare"] <= arguments.host else 1)


if __name__ == "__main__":
    main()
