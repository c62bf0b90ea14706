"""Writes Tests/VolumesTests/Values/*.json: scipy, numpy and nibabel on resampling, intensities, axes.

Run with numpy, scipy and nibabel installed. Inputs are formulas that the tests repeat, so that only
results are committed.
"""
import json
import pathlib

import nibabel
import numpy as np
from scipy import ndimage

OUT = pathlib.Path(__file__).parents[2] / "Tests/VolumesTests/Values"


METHODS = [("nearest", 0, "nearest"), ("linear", 1, "nearest"), ("cubic", 3, "mirror")]


def sample(shape):
    """Voxel (i, j, k): 100 sin(1.3 i + 0.7 j j - 0.9 k) + 7 ((i + 2 j + 3 k) mod 5), as float32."""
    i, j, k = np.indices(shape).astype(float)
    v = 100 * np.sin(1.3 * i + 0.7 * j * j - 0.9 * k) + 7 * ((i + 2 * j + 3 * k) % 5)
    return v.astype(np.float32)


def flat(a):
    """x fastest, six significant digits and a bit."""
    return [float(f"{x:.8g}") for x in np.asarray(a, np.float64).ravel(order="F")]


def resampling():
    cases = []
    for shape, new in [((7, 6, 5), (10, 4, 9)), ((8, 6, 4), (4, 3, 2)), ((5, 1, 2), (9, 3, 5)),
                       ((12, 3, 2), (5, 3, 7))]:
        v = sample(shape).astype(np.float64)
        grid = np.meshgrid(*[(np.arange(m) + 0.5) * n / m - 0.5 for n, m in zip(shape, new)], indexing="ij")
        for method, order, mode in METHODS:
            cases.append(dict(size=shape, newSize=new, method=method, antialiased=False,
                              values=flat(ndimage.map_coordinates(v, grid, order=order, mode=mode))))
        sigma = [max(0, (n / m - 1) / 2) if n > 1 else 0 for n, m in zip(shape, new)]
        blurred = v
        for axis, s in enumerate(sigma):
            if s > 0:
                blurred = ndimage.gaussian_filter1d(blurred, s, axis=axis, mode="mirror", truncate=4)
        cases.append(dict(size=shape, newSize=new, method="linear", antialiased=True,
                          values=flat(ndimage.map_coordinates(blurred, grid, order=1, mode="nearest"))))
    return cases


def normalisation():
    v = sample((6, 5, 4)).astype(np.float64)
    v[np.abs(v) < 15] = 0
    nonzero = np.where(v == 0, 0, (v - v[v != 0].mean()) / v[v != 0].std())
    low, high = np.percentile(v, [5, 95])
    cases = [
        (dict(method="none"), v),
        (dict(method="window", lower=-40, upper=60), (np.clip(v, -40, 60) + 40) / 100),
        (dict(method="window-z-score", lower=-40, upper=60, mean=3.5, standardDeviation=21),
         (np.clip(v, -40, 60) - 3.5) / 21),
        (dict(method="z-score", nonZeroOnly=False), (v - v.mean()) / v.std()),
        (dict(method="z-score", nonZeroOnly=True), nonzero),
        (dict(method="min-max"), (v - v.min()) / (v.max() - v.min())),
        (dict(method="percentile", lower=5, upper=95), (np.clip(v, low, high) - low) / (high - low)),
    ]
    percentages = [0, 0.5, 1, 13.7, 25, 50, 75, 99.5, 100]
    inside = v[v > 20]
    return dict(
        size=v.shape,
        cases=[dict(normalisation=n, values=flat(values)) for n, values in cases],
        percentages=percentages, percentiles=flat(np.percentile(v, percentages)),
        foreground=dict(count=int(inside.size), mean=inside.mean(), standardDeviation=inside.std(),
                        minimum=inside.min(), median=np.median(inside), maximum=inside.max(),
                        percentile0_5=np.percentile(inside, 0.5), percentile99_5=np.percentile(inside, 99.5)))


def orientation():
    rng = np.random.default_rng(7)
    cases = []
    for case in range(24):
        axes = rng.permutation(3)
        linear = np.zeros((3, 3))
        linear[axes, range(3)] = rng.choice([-1, 1], 3)
        a, b = np.radians(rng.uniform(-25, 25, 2))
        rz = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
        rx = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
        affine = np.eye(4)
        affine[:3, :3] = (rz @ rx if case % 3 else np.eye(3)) @ linear @ np.diag(rng.uniform(0.5, 5, 3))
        affine[:3, 3] = rng.uniform(-100, 100, 3)
        affine = affine.round(9)
        nifti = nibabel.Nifti1Header()
        nifti.set_qform(affine, code=1)
        cases.append(dict(affine=affine.tolist(), code="".join(nibabel.aff2axcodes(affine)),
                          quaternion=[float(nifti[f"quatern_{c}"]) for c in "bcd"],
                          qfac=float(nifti["pixdim"][0])))
    return cases


OUT.mkdir(parents=True, exist_ok=True)
for make in resampling, normalisation, orientation:
    (OUT / f"{make.__name__}.json").write_text(json.dumps(make(), separators=(",", ":")) + "\n")
