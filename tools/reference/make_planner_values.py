"""Topologies as nnU-Net's planner chooses them, for Tests/PredictionTests/NetworkTopologyTests.swift.

    pip install --no-deps nnunetv2==2.8.1
    python tools/reference/make_planner_values.py Tests/Values/planner/topologies.json

Made with nnunetv2 2.8.1 and numpy 2.x: get_pool_and_conv_props alone, whose file needs no more of the package. Lists are
[z, y, x] there and turned to [x, y, z] here.
"""

import importlib.util
import json
import random
import sys
from pathlib import Path


def rule():
    spec = importlib.util.find_spec("nnunetv2")
    if spec is None or spec.origin is None and not spec.submodule_search_locations:
        sys.exit("nnunetv2 is not installed")
    folder = Path(next(iter(spec.submodule_search_locations)))
    path = folder / "experiment_planning/experiment_planners/network_topology.py"
    spec = importlib.util.spec_from_file_location("network_topology", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.get_pool_and_conv_props


def xyz(values):
    return [float(v) if isinstance(v, float) else int(v) for v in reversed(list(values))]


def main(path):
    random.seed(6)
    # Hippocampus, liver, prostate, ACDC, a single slab; then any.
    known = [
        ([1, 1, 1], [36, 50, 35]), ([1, 0.77, 0.77], [128, 128, 128]), ([3.6, 0.625, 0.625], [20, 320, 319]),
        ([5, 1.5625, 1.5625], [14, 256, 224]), ([5, 1, 1], [1, 64, 64]),
    ]
    drawn = [
        ([random.choice([0.5, 0.8, 1, 1.5, 2.1, 3, 5.5]) for _ in range(3)], [random.randint(4, 200) for _ in range(3)])
        for _ in range(60)
    ]
    pool = rule()
    cases = []
    for spacing, patch in known + drawn:
        _, strides, kernels, padded, _ = pool(spacing, patch, 4, 999999)
        cases.append(
            {
                "spacing": [float(s) for s in reversed(spacing)], "patch": xyz(patch), "padded": xyz(padded),
                "strides": [xyz(s) for s in strides[1:]], "kernels": [xyz(k) for k in kernels],
            }
        )
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


if __name__ == "__main__":
    main(sys.argv[1])
