#!/usr/bin/env python3
"""Writes the reference values of Tests/VolumesTrainTests/Reference/metric_values.json.

Masks are balls and boxes with integer geometry, described in the file, so that the test rebuilds them.
Dice, HD95 and ASSD come from MONAI, surface Dice from DeepMind's surface-distance (which must agree on Dice), and the importance map from
SciPy as nnU-Net calls it.

    pip install numpy scipy torch monai surface-distance
    python tools/reference/make_metric_values.py > Tests/VolumesTrainTests/Reference/metric_values.json
"""
import importlib.metadata
import json

import numpy as np
import scipy
import scipy.ndimage as ndimage
import torch

# surface-distance 0.1 still uses names that newer NumPy and SciPy have dropped.
np.Inf = np.inf
if not hasattr(ndimage, "filters"):
    ndimage.filters = ndimage
if not hasattr(ndimage, "morphology"):
    ndimage.morphology = ndimage

import surface_distance  # noqa: E402
import monai  # noqa: E402
from monai.metrics import compute_average_surface_distance, compute_dice, compute_hausdorff_distance  # noqa: E402

CASES = [
    # name, size, spacing, tolerance, shapes of the prediction, shapes of the reference.
    # ball: [x, y, z, 4 r^2]: 4 |p - c|^2 <= 4 r^2; box: low and high corner, both inside.
    ("shifted balls", [24, 22, 20], [1, 1, 1], 1.0,
     [["ball", 10, 10, 9, 200]], [["ball", 12, 11, 10, 196]]),
    ("anisotropic", [26, 20, 12], [0.75, 1.25, 3.5], 2.0,
     [["ball", 12, 9, 5, 140]], [["ball", 13, 10, 6, 150], ["box", 3, 3, 2, 5, 4, 3]]),
    ("far outlier", [40, 16, 16], [1, 2, 0.5], 1.5,
     [["ball", 9, 8, 8, 120], ["box", 36, 2, 2, 37, 3, 3]], [["ball", 9, 7, 8, 130]]),
    ("at the border", [12, 14, 10], [1.5, 0.9, 2.0], 1.0,
     [["box", 0, 0, 0, 6, 8, 4]], [["box", 0, 1, 0, 7, 8, 5]]),
    ("single voxels", [9, 8, 7], [2.0, 3.0, 5.0], 4.0,
     [["box", 1, 1, 1, 1, 1, 1]], [["box", 3, 2, 1, 3, 2, 1]]),
    ("checkerboard contact", [10, 10, 10], [0.7, 0.7, 1.3], 0.7,
     [["box", 2, 2, 2, 4, 4, 4], ["box", 5, 5, 5, 7, 7, 7], ["box", 2, 5, 2, 3, 6, 3]],
     [["box", 2, 2, 2, 5, 5, 5], ["box", 6, 6, 6, 7, 7, 7]]),
    ("speckle", [14, 13, 11], [0.8, 1.1, 2.3], 0.79,
     [["speckle", 5, 7, 11, 17]], [["speckle", 3, 13, 5, 19]]),
    ("identical", [16, 16, 16], [1, 1, 2], 1.0, [["ball", 8, 8, 8, 100]], [["ball", 8, 8, 8, 100]]),
]


def mask(size, shapes):
    x, y, z = np.meshgrid(*[np.arange(n) for n in size], indexing="ij")
    out = np.zeros(size, bool)
    for kind, *v in shapes:
        if kind == "ball":
            out |= 4 * ((x - v[0]) ** 2 + (y - v[1]) ** 2 + (z - v[2]) ** 2) <= v[3]
        elif kind == "box":
            out |= (x >= v[0]) & (y >= v[1]) & (z >= v[2]) & (x <= v[3]) & (y <= v[4]) & (z <= v[5])
        else:
            # Irregular enough to meet most of the 256 neighbourhoods.
            out |= (v[0] * x * x + v[1] * y * z + v[2] * z + x * y) % v[3] < v[3] // 2
    return out


def evaluate(name, size, spacing, tolerance, prediction_shapes, reference_shapes):
    spacing = [float(s) for s in spacing]
    prediction, reference = mask(size, prediction_shapes), mask(size, reference_shapes)
    p, r = [torch.from_numpy(m.astype(np.float32))[None, None] for m in (prediction, reference)]
    options = dict(include_background=True, spacing=spacing)
    hd95 = compute_hausdorff_distance(p, r, percentile=95, directed=False, **options)
    assd = compute_average_surface_distance(p, r, symmetric=True, **options)
    surfaces = surface_distance.compute_surface_distances(reference, prediction, spacing_mm=spacing)
    dice = surface_distance.compute_surface_dice_at_tolerance(surfaces, tolerance)
    # MONAI divides in float32.
    overlap = float(compute_dice(p, r, include_background=True))
    assert abs(overlap - surface_distance.compute_dice_coefficient(reference, prediction)) < 1e-7
    return dict(
        name=name, size=size, spacingInMillimetres=spacing, toleranceInMillimetres=tolerance,
        prediction=[dict(kind=s[0], values=s[1:]) for s in prediction_shapes],
        reference=[dict(kind=s[0], values=s[1:]) for s in reference_shapes],
        predictionVoxels=int(prediction.sum()), referenceVoxels=int(reference.sum()),
        dice=overlap,
        hd95=float(hd95), assd=float(assd), surfaceDice=float(dice))


def importance(patch):
    """nnU-Net's compute_gaussian, in double."""
    tmp = np.zeros(patch)
    tmp[tuple(i // 2 for i in patch)] = 1
    g = ndimage.gaussian_filter(tmp, [i / 8 for i in patch], 0, mode="constant", cval=0)
    g /= g.max()
    g[g == 0] = g[g != 0].min()
    # x fastest, as a patch stores it.
    return dict(patchSize=list(patch), weights=[float(v) for v in g.transpose(2, 1, 0).ravel()])


print(json.dumps(dict(
    versions=dict(monai=monai.__version__, scipy=scipy.__version__, numpy=np.__version__,
                  **{"surface-distance": importlib.metadata.version("surface-distance")}),
    cases=[evaluate(*c) for c in CASES],
    importance=[importance((6, 5, 4)), importance((8, 8, 3))]), indent=1))
