#!/usr/bin/env python3
"""Times VoxCL's augmentation of one patch and TorchIO's elastic deformation of the same array, in turn, on one core.

VoxCL's figure is one patch with every transform of nnU-Net's list and an elastic deformation forced on (image linear,
labels nearest); TorchIO's is RandomElasticDeformation with its defaults alone, on the image and on image and labels.
Medians over the rounds. Exits 1 where VoxCL takes 0.3 s or more (--limit), or longer than TorchIO.

    pip install numpy nibabel torchio
"""
import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

# Before anything starts threads: this process and voxcl share one core.
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

import nibabel  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
import torchio  # noqa: E402

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "reference"))
from voxcl import DEFAULT_BINARY, VoxCL, VoxCLError  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voxcl", default=DEFAULT_BINARY, help=f"the binary (default {DEFAULT_BINARY})")
    parser.add_argument("--extent", type=int, default=128, help="voxels along each axis (default 128)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=float, default=0.3, help="seconds that VoxCL may take (default 0.3)")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.rounds < 1 or arguments.extent < 8:
        parser.error("--rounds must be at least 1, --extent at least 8")
    torch.set_num_threads(1)
    n = arguments.extent
    values = np.random.default_rng(0).standard_normal((n, n, n)).astype(np.float32)
    try:
        result = measure(VoxCL(arguments.voxcl), values, arguments.rounds)
    except VoxCLError as error:
        sys.exit(f"compare_augmentation: {error}")
    result["ok"] = result["voxclSeconds"] < min(arguments.limit, result["torchioImageSeconds"])
    if arguments.json:
        print(json.dumps(result, indent=1))
    else:
        print(f"{n}³, one channel, one core, medians")
        for part in result["voxclParts"]:
            print(f"  {part['name']:24}{part['milliseconds']:9.1f} ms")
        print(f"VoxCL, all together       {1000 * result['voxclSeconds']:9.1f} ms")
        name = f"TorchIO {torchio.__version__} elastic alone"
        print(f"{name:26}{1000 * result['torchioImageSeconds']:9.1f} ms; with labels "
              f"{1000 * result['torchioSeconds']:.1f} ms")
    sys.exit(0 if result["ok"] else 1)


def measure(tool, values, rounds):
    """Both programs' medians."""
    image = torchio.ScalarImage(tensor=torch.from_numpy(values)[None])
    labels = torchio.LabelMap(tensor=torch.from_numpy((values > 0).astype(np.int16))[None])
    transform = torchio.RandomElasticDeformation()
    subjects = [torchio.Subject(image=image), torchio.Subject(image=image, labels=labels)]
    ours, theirs = [], [[], []]
    with tempfile.TemporaryDirectory(prefix="voxcl-augmentation-") as folder:
        path = Path(folder) / "image.nii"
        nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), path)
        for number in range(rounds + 1):
            for times, subject in zip(theirs, subjects):
                start = time.perf_counter()
                transform(subject)
                # The first round warms up.
                times += [time.perf_counter() - start] * (number > 0)
            if number > 0:
                size = "x".join(map(str, values.shape))
                ours.append(tool.call_json("bench", "augmentation", "--patch", size, "--volume", path, "--repeats", 5))
    ours.sort(key=lambda r: r["totalMilliseconds"])
    middle = ours[len(ours) // 2]
    return {
        "extent": list(values.shape), "voxclSeconds": middle["totalMilliseconds"] / 1000, "voxclParts": middle["parts"],
        "torchioImageSeconds": statistics.median(theirs[0]), "torchioSeconds": statistics.median(theirs[1]),
    }


if __name__ == "__main__":
    main()
