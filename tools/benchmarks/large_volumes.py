#!/usr/bin/env python3
"""What does not fit elsewhere, with the memory that it takes.

    tools/benchmarks/large_volumes.py [--data DATA] [--size 512x512x600]

Prediction of a phantom of --size with 60 classes: what `voxcl predict` states beforehand, and the most resident bytes of
its process (asked: at most 8 GiB). The network has learned nothing (two steps on random labels); only its bytes count.

With --data (it holds ct_multiorgan), models/recipes/s3-large.json trains --steps steps on 256x256x128 voxels of a real CT
within its budget of 2.5 GiB, and once more without one: the losses have to be equal bit for bit.

Exits 1 where a figure is missed. pip install numpy nibabel
"""

import argparse
import json
import re
import sys
import tempfile
from pathlib import Path

import nibabel
import numpy as np

from memory import GIB, Figures, resident  # beside this file; it also finds the module voxcl
from voxcl import DEFAULT_BINARY, VoxCL

RECIPES = Path(__file__).resolve().parents[2] / "models" / "recipes"
CLASSES = 60


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="512x512x600", help="of the volume that is segmented")
    parser.add_argument("--data", type=Path, help="folder with ct_multiorgan; without it no step is trained")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--voxcl", default=DEFAULT_BINARY)
    parser.add_argument("--device", default="opencl:0")
    arguments = parser.parse_args()
    tool = VoxCL(arguments.voxcl, arguments.device)
    figures = Figures()
    with tempfile.TemporaryDirectory() as folder:
        predicted(tool, figures, Path(folder), arguments.size)
        if arguments.data:
            trained(tool, figures, Path(folder), arguments.data.resolve(), arguments.steps)
    sys.exit(1 if figures.missed else 0)


def predicted(tool, figures, folder, size):
    random = np.random.default_rng(0)
    for name in ("images", "labels"):
        (folder / "data" / name).mkdir(parents=True)
    for case in range(3):
        image = random.normal(0, 100, (104, 104, 104)).astype(np.int16)
        ids = np.concatenate([random.permutation(CLASSES), random.integers(0, CLASSES, 4)]).reshape(4, 4, 4)
        labels = np.kron(ids, np.ones((26, 26, 26), int)).astype(np.uint8)
        for name, values in (("images", image), ("labels", labels)):
            nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), folder / "data" / name / f"case_{case}.nii.gz")
    classes = {"liver": None, "tumour": None, "kidneys": None, "spine": None, "background": 0}
    classes |= {f"class{i}": i for i in range(1, CLASSES)}
    recipe = {
        "extends": str(RECIPES / "phantom.json"),
        "data": {"folder": str(folder / "data"), "classes": classes, "split": {"folds": 3, "seed": 0}},
        "sampler": {"patch": [96, 96, 96], "batch": 1},
    }
    (folder / "recipe.json").write_text(json.dumps(recipe))
    words = ["--no-tune", "--device", tool.device]
    tool.call("train", folder / "recipe.json", "--run", folder / "run", "--steps", 2, *words)
    tool.call("phantom", "-o", folder / "large", "--size", size, "--spacing", "0.8x0.8x1")
    scan = next((folder / "large" / "images").iterdir())
    words = ["predict", "--checkpoint", folder / "run", scan, "-o", folder / "out.nii.gz", "--overlap", 0.25]
    log = folder / "log"
    bytes_ = resident(tool, *words, "--device", tool.device, log=log)
    stated = re.search(r"[0-9.]+ \w+ in all", log.read_text())
    figures.show(
        f"predict {size}, {CLASSES} classes: states {stated[0] if stated else 'nothing'}, takes {bytes_ / GIB:.2f} GiB "
        "resident (asked 8)",
        stated is not None and bytes_ <= 8 * GIB,
    )


def trained(tool, figures, folder, data, steps):
    losses = []
    for name, more in (("fitted", []), ("whole", ["--memory-budget", "1TiB"])):
        tool.call(
            "train", RECIPES / "s3-large.json", "--run", folder / name, "--steps", steps, "--no-tune", "--device",
            tool.device, "--set", f'data.folder="{data / "ct_multiorgan"}"', "--set", "training.validateEvery=0", *more)
        losses.append(re.findall(r'"loss":[^,}]*', (folder / name / "events.jsonl").read_text()))
    figures.show(
        f"S3 at 256x256x128, mixed: {len(losses[0])} steps within 2.5 GiB and without a budget, losses equal bit for bit",
        losses[0] == losses[1] and len(losses[0]) == steps,
    )


if __name__ == "__main__":
    main()
