"""Writes Tests/VolumesTests/Values/preprocessing.json: PyTorch, SciPy, TorchIO, MONAI and nibabel on the steps of
preprocessing.

    pip install torch scipy nibabel torchio monai
    python tools/reference/make_preprocessing_values.py

Inputs are formulas that the tests repeat, so that only results are committed. The file names the versions.
"""
import importlib.metadata
import json
import pathlib
import warnings

import nibabel
import nibabel.processing
import numpy as np
import torch
import torchio
from monai.transforms import CropForeground, NormalizeIntensity, Resize
from scipy import ndimage
from torch.nn.functional import interpolate

OUT = pathlib.Path(__file__).parents[2] / "Tests/VolumesTests/Values/preprocessing.json"
VERSIONS = {p: importlib.metadata.version(p) for p in
            ("torch", "numpy", "scipy", "nibabel", "torchio", "monai")}
SIZES = [((7, 6, 5), (10, 4, 9)), ((9, 8, 6), (4, 3, 2)), ((5, 1, 2), (9, 3, 5)), ((12, 3, 7), (5, 3, 11))]


def sample(shape):
    """Voxel (i, j, k): 100 sin(1.3 i + 0.7 j j - 0.9 k) + 7 ((i + 2 j + 3 k) mod 5), as float32."""
    i, j, k = np.indices(shape).astype(float)
    v = 100 * np.sin(1.3 * i + 0.7 * j * j - 0.9 * k) + 7 * ((i + 2 * j + 3 * k) % 5)
    return v.astype(np.float32)


def ids(shape):
    """Label of voxel (i, j, k): (i / 3 + j / 2 + 2 (k / 2)) mod 4, in integers."""
    i, j, k = np.indices(shape)
    return (i // 3 + j // 2 + 2 * (k // 2)) % 4


def flat(a):
    """x fastest."""
    return [float(f"{x:.8g}") for x in np.asarray(a, np.float64).ravel(order="F")]


def torch_resized(v, new, mode):
    options = dict(align_corners=False) if mode == "trilinear" else {}
    return interpolate(torch.from_numpy(v.astype(np.float64))[None, None], size=new, mode=mode, **options)[0, 0].numpy()


def resizing():
    cases = []
    for shape, new in SIZES:
        v = sample(shape)
        area = torch_resized(v, new, "area")
        monai = Resize(spatial_size=new, mode="area")(torch.from_numpy(v)[None])[0].numpy()
        assert np.allclose(area, monai, rtol=1e-5, atol=1e-4)
        for method, values in [("area", area), ("linear", torch_resized(v, new, "trilinear")),
                               ("nearest", torch_resized(v, new, "nearest-exact"))]:
            cases.append(dict(size=shape, newSize=new, method=method, values=flat(values)))
        # zoom's grid mode is the half-pixel grid; where it says so, its size is round(n zoom).
        if min(shape) > 1:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                cubic = ndimage.zoom(v.astype(np.float64), [m / n for n, m in zip(shape, new)], order=3,
                                     mode="mirror", grid_mode=True)
            assert cubic.shape == new
            cases.append(dict(size=shape, newSize=new, method="cubic", values=flat(cubic)))
    return cases


def labels():
    cases = []
    for shape, new in SIZES:
        one_hot = np.stack([torch_resized((ids(shape) == c).astype(float), new, "trilinear") for c in range(4)])
        ordered = np.sort(one_hot, axis=0)
        tie = ordered[-1] - ordered[-2] < 1e-5
        cases.append(dict(size=shape, newSize=new,
                          argmax=[-1 if t else int(c) for c, t in
                                  zip(one_hot.argmax(0).ravel(order="F"), tie.ravel(order="F"))],
                          nearest=[int(x) for x in
                                   torch_resized(ids(shape).astype(float), new, "nearest-exact").ravel(order="F")]))
    return cases


def crop_or_pad():
    cases = []
    for shape, new in [((7, 6, 5), (4, 9, 5)), ((7, 6, 5), (10, 3, 8)), ((6, 5, 8), (3, 8, 1)), ((5, 5, 5), (8, 2, 6))]:
        image = torchio.ScalarImage(tensor=sample(shape)[None])
        for padding in (0, "minimum"):
            values = torchio.CropOrPad(new, padding_mode=padding)(image).data[0].numpy()
            cases.append(dict(size=shape, newSize=new, minimum=padding == "minimum", values=flat(values)))
    return cases


def rescaling():
    shape = (6, 5, 4)
    v = sample(shape)
    image = torchio.ScalarImage(tensor=v[None])
    cases = []
    for low, high, to in [(0, 100, (-1, 1)), (1, 99, (-1, 1)), (0.5, 99.5, (0, 1)), (10, 75, (-3, 5))]:
        values = torchio.RescaleIntensity(to, percentiles=(low, high))(image).data[0].numpy()
        cases.append(dict(normalisation=dict(method="percentile", lower=low, upper=high, to=to), values=flat(values)))
    values = torchio.RescaleIntensity((-1, 1))(image).data[0].numpy()
    cases.append(dict(normalisation=dict(method="min-max", to=(-1, 1)), values=flat(values)))
    values = torchio.Clamp(-40, 60)(image).data[0].numpy()
    cases.append(dict(normalisation=dict(method="clip", lower=-40, upper=60), values=flat(values)))
    values = torchio.RescaleIntensity((-2, 2), in_min_max=(-40, 60))(torchio.Clamp(-40, 60)(image)).data[0].numpy()
    cases.append(dict(normalisation=dict(method="window", lower=-40, upper=60, to=(-2, 2)), values=flat(values)))
    values = NormalizeIntensity()(torch.from_numpy(v)[None])[0].numpy()
    cases.append(dict(normalisation=dict(method="z-score"), values=flat(values)))
    hollow = np.where(np.abs(v) < 15, 0, v)
    values = NormalizeIntensity(nonzero=True)(torch.from_numpy(hollow)[None])[0].numpy()
    cases.append(dict(normalisation=dict(method="z-score", nonZeroOnly=True), hollow=True, values=flat(values)))
    return dict(size=shape, cases=cases)


def crop_nonzero():
    """A box of sample values in zeros, through MONAI's CropForeground."""
    shape = (9, 8, 7)
    v = np.zeros(shape, np.float32)
    v[2:7, 1:5, 3:6] = sample(shape)[2:7, 1:5, 3:6]
    crop = CropForeground(select_fn=lambda x: x != 0)(torch.from_numpy(v)[None])[0].numpy()
    return dict(size=shape, low=[2, 1, 3], high=[7, 5, 6], newSize=crop.shape, values=flat(crop))


def world():
    """Grids that are not parallel: nibabel's resample_from_to, linear and nearest, edges held."""
    def grid(shape, spacing, degrees, origin):
        a, b = np.radians(degrees)
        rz = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
        rx = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
        affine = np.eye(4)
        affine[:3, :3] = rz @ rx @ np.diag(spacing)
        affine[:3, 3] = origin
        return shape, affine.round(9)

    target = grid((8, 7, 6), (1.5, 1.25, 2), (12, -7), (-5.3, -3.1, -6.4))
    cases = []
    for shape, affine in [
            grid((9, 8, 7), (1, 1.5, 3), (0, 0), (-4, -6, -9)), grid((4, 4, 5), (4, 3.5, 3), (-20, 15), (-6, -4, -7)),
            grid((10, 9, 8), (-1.1, 1.3, 2.2), (33, 5), (6, -5, -8)), grid((6, 1, 5), (2, 9, 3), (3, 4), (-5, 0, -7))]:
        v = sample(shape)
        image = nibabel.Nifti1Image(v.astype(np.float64), affine)
        linear = nibabel.processing.resample_from_to(image, target, order=1, mode="nearest").get_fdata()
        to = np.linalg.inv(affine) @ target[1]
        direct = ndimage.affine_transform(v.astype(np.float64), to, output_shape=target[0], order=1, mode="nearest")
        assert np.allclose(linear, direct, atol=1e-9)
        at = np.tensordot(to[:3, :3], np.indices(target[0]), 1) + to[:3, 3].reshape(3, 1, 1, 1)
        n = np.array(shape).reshape(3, 1, 1, 1)
        outside = ((at < -0.5) | (at > n - 0.5)).any(axis=0)
        nearest = np.where(outside, -1, ndimage.map_coordinates(ids(shape), at, order=0, mode="nearest"))
        # A voxel between two centres may go either way by rounding.
        tie = (np.abs(at + 0.5 - np.round(at + 0.5)) < 1e-5).any(axis=0)
        cases.append(dict(size=shape, affine=affine.tolist(), outside=int(outside.sum()),
                          linear=flat(np.where(outside, -77, linear)),
                          nearest=[-2 if t else int(x) for x, t in
                                   zip(nearest.ravel(order="F"), tie.ravel(order="F"))]))
    return dict(targetSize=target[0], targetAffine=target[1].tolist(), cases=cases)


OUT.write_text(json.dumps(dict(
    versions=VERSIONS, resizing=resizing(), labels=labels(), cropOrPad=crop_or_pad(), rescaling=rescaling(),
    cropNonZero=crop_nonzero(), world=world()), separators=(",", ":")) + "\n")
print(OUT.name, OUT.stat().st_size)
