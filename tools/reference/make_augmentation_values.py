#!/usr/bin/env python3
"""Writes the reference values of Tests/VolumesTrainTests/Reference/augmentation_values.json.

Every transform gets the parameters written beside its values, on an image and labels that the test makes from the
same formula. Spatial transforms come from scipy.ndimage.map_coordinates, their elastic displacement from
scipy.interpolate.BSpline, the blur from scipy.ndimage.gaussian_filter; low resolution, brightness, contrast and gamma
from batchgeneratorsv2, which nnU-Net v2 uses. All but the last three in double precision.

    pip install numpy scipy torch batchgeneratorsv2
    python tools/reference/make_augmentation_values.py > Tests/VolumesTrainTests/Reference/augmentation_values.json
"""
import json
from importlib.metadata import version

import numpy as np
import scipy.ndimage as ndimage
import torch
from batchgeneratorsv2.transforms.intensity.brightness import BrightnessAdditiveTransform, \
    MultiplicativeBrightnessTransform
from batchgeneratorsv2.transforms.intensity.contrast import ContrastTransform
from batchgeneratorsv2.transforms.intensity.gamma import GammaTransform
from batchgeneratorsv2.transforms.spatial.low_resolution import SimulateLowResolutionTransform
from scipy.interpolate import BSpline

# Arrays are indexed [x, y, z] here and written with x fastest, as a patch stores them.


def image(size):
    x, y, z = np.meshgrid(*[np.arange(n) for n in size], indexing="ij")
    return ((7 * x + 13 * y + 29 * z + x * y + 3 * y * z) % 37 / 37 - 0.4).astype(np.float32)


def labels(size):
    x, y, z = np.meshgrid(*[np.arange(n) for n in size], indexing="ij")
    return ((x // 3 + 2 * (y // 3) + z // 2) % 4).astype(np.int32)


def flat(values):
    out = np.asarray(values).transpose(2, 1, 0).ravel()
    if out.dtype.kind in "iu":
        return [int(v) for v in out]
    return [round(float(v), 8) for v in out]


def rotation(angles):
    """About x, then y, then z."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles), np.sin(angles)
    rx = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    ry = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    rz = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return rz @ ry @ rx


def displacement(offsets, spacing, cells, controls):
    """Cubic B-spline through scipy: offsets in mm from the patch's centre, controls [i, j, k, 3]."""
    basis = BSpline.basis_element([-2, -1, 0, 1, 2], extrapolate=False)
    weights = []
    for axis in range(3):
        u = offsets[axis] / spacing[axis] + cells[axis] / 2 + 1
        grid = np.arange(cells[axis] + 3)
        weights.append(np.nan_to_num(basis(u[:, None] - grid[None, :])))
    return np.einsum("xi,yj,zk,ijkd->xyzd", *weights, controls)


def spatial(name, size, spacing, origin, patch, mirror=(0, 0, 0), angles=(0, 0, 0), scale=(1, 1, 1),
            translation=(0, 0, 0), elastic=None):
    spacing, angles, scale, translation = map(np.array, (spacing, angles, scale, translation))
    half = (np.array(patch) - 1) / 2
    offsets = [(np.arange(n) - h) * s for n, h, s in zip(patch, half, spacing)]
    o = np.stack(np.meshgrid(*offsets, indexing="ij"), -1)
    written = None
    if elastic:
        h, magnitude, seed = elastic
        cells = [max(1, int(np.ceil((n - 1) * s / h))) for n, s in zip(patch, spacing)]
        controls = np.random.default_rng(seed).uniform(-magnitude, magnitude, [c + 3 for c in cells] + [3]).round(4)
        o = o + displacement(offsets, [h] * 3, cells, controls)
        written = dict(controlSpacing=[float(h)] * 3, cells=cells,
                       displacements=[float(v) for v in controls.transpose(2, 1, 0, 3).ravel()])
    m = rotation(angles) @ np.diag(np.where(mirror, -1, 1) / scale)
    centre = (np.array(origin) + half) * spacing
    position = np.moveaxis((o @ m.T + centre - translation) / spacing, -1, 0)
    n = np.array(size)[:, None, None, None]
    # A label's tie or a voxel on the outer face could fall either way by rounding.
    fraction = np.abs(position - np.floor(position) - 0.5)
    assert fraction.min() > 1e-7, name
    outside = ((position < -0.5) | (position >= n - 0.5)).any(0)
    values, classes = image(size).astype(np.float64), labels(size)
    return dict(
        name=name, size=list(size), spacing=spacing.tolist(), origin=list(origin), patch=list(patch),
        mirror=[bool(v) for v in mirror], angles=angles.tolist(), scale=scale.tolist(),
        translation=translation.tolist(), elastic=written, outside=flat(outside.astype(int)),
        linear=flat(ndimage.map_coordinates(values, position, order=1, mode="nearest")),
        nearest=flat(ndimage.map_coordinates(values, position, order=0, mode="nearest")),
        labels=flat(ndimage.map_coordinates(classes, position, order=0, mode="nearest")))


def blur(size, sigma):
    values = ndimage.gaussian_filter(image(size).astype(np.float64), sigma, mode="reflect", truncate=4)
    return dict(size=list(size), sigma=list(sigma), values=flat(values))


def torch_image(size):
    return torch.from_numpy(image(size).copy())[None]


def low_resolution(size, share):
    transform = SimulateLowResolutionTransform(1, False, False, None)
    out = transform._apply_to_image(torch_image(size), apply_to_channel=[0], scales=torch.tensor([share]))
    return dict(size=list(size), share=list(share), values=flat(out[0].numpy()))


def intensity(kind, size, parameter):
    img, channel = torch_image(size), torch.tensor([0])
    if kind == "brightness":
        out = MultiplicativeBrightnessTransform(1, False)._apply_to_image(
            img, apply_to_channel=channel, multipliers=torch.tensor([parameter]))
    elif kind == "shift":
        out = BrightnessAdditiveTransform(0, 1, False)._apply_to_image(
            img, apply_to_channel=channel, shift=torch.tensor([parameter]))
    elif kind == "contrast":
        out = ContrastTransform(1, True, False)._apply_to_image(
            img, apply_to_channel=channel, multipliers=torch.tensor([parameter]))
    else:
        out = GammaTransform(1, 0, False, 1, 1)._apply_to_image(
            img, apply_to_channel=channel, retain_stats=torch.tensor([True]),
            invert_image=torch.tensor([kind == "negated gamma"]), gamma=torch.tensor([parameter]))
    return dict(kind=kind, size=list(size), parameter=parameter, values=flat(out[0].numpy()))


SMALL = (7, 6, 5)
print(json.dumps(dict(
    versions={name: version(name) for name in ("numpy", "scipy", "torch", "batchgeneratorsv2")},
    spatial=[
        spatial("rotation", (14, 12, 10), (1, 1, 1), (3, 3, 2), (8, 6, 5), angles=(0.3, -0.2, 0.7)),
        spatial("everything", (14, 12, 10), (0.8, 1.1, 1.7), (2, 1, 2), (9, 8, 6), mirror=(1, 0, 1),
                angles=(-0.4, 0.1, 0.25), scale=(0.9, 1.15, 1.05), translation=(0.37, -0.61, 0.53),
                elastic=(3.0, 1.1, 5)),
        spatial("elastic at the border", (11, 9, 8), (1.2, 0.9, 2.3), (-3, 2, 3), (10, 7, 6),
                elastic=(4.3, 1.7, 7)),
        spatial("a flat case", (9, 8, 1), (1, 1, 4), (1, -2, 0), (7, 9, 1), angles=(0, 0, 0.5),
                scale=(1.3, 0.8, 1)),
    ],
    blur=[blur((11, 9, 8), (0.5, 0.75, 1.0)), blur((9, 5, 3), (1.3, 3.3, 0.0))],
    lowResolution=[low_resolution((12, 11, 9), (0.6, 0.5, 0.8)), low_resolution((13, 8, 7), (0.31, 1.0, 0.55))],
    intensity=[intensity(*c) for c in [
        ("brightness", SMALL, 0.83), ("shift", SMALL, -0.41), ("contrast", SMALL, 1.21), ("contrast", SMALL, 0.77),
        ("gamma", SMALL, 0.72), ("gamma", SMALL, 1.44), ("negated gamma", SMALL, 0.75),
        ("negated gamma", SMALL, 1.37)]])))
