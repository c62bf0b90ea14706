"""What moves voxels: pools, crop, pad, upsample, resize."""

import math

import torch
from torch.nn import functional

from networks import upsample

MOST_ELEMENTS = 700

# name, batch, channels, extent, window
POOLINGS = [
    ("w222", 2, 17, (4, 2, 6), (2, 2, 2)),
    ("w122", 2, 5, (3, 4, 14), (1, 2, 2)),
    ("w221", 1, 3, (6, 2, 5), (2, 2, 1)),
]
# mode, name, batch, channels, extent, factors
UPSAMPLINGS = [
    ("trilinear", "f222", 1, 17, (2, 3, 3), (2, 2, 2)),
    ("trilinear", "f222_flat", 1, 3, (1, 3, 2), (2, 2, 2)),
    ("trilinear", "f122", 1, 5, (3, 5, 7), (1, 2, 2)),
    ("nearest", "f222", 2, 17, (3, 1, 2), (2, 2, 2)),
]


def max_pool(d, n, c, extent, window, stride, padding=(0, 0, 0)):
    case = {"window": list(window), "stride": list(stride), "padding": list(padding)}
    run = lambda x, p: functional.max_pool3d(x[0], window, stride, padding)
    return case, [d.normal(n, c, *extent)], [], run


def average_pool(d, n, c, extent, window, stride, padding, counts):
    case = {"window": list(window), "stride": list(stride), "padding": list(padding), "countsPadding": counts}
    sides = [p for p in reversed(padding) for _ in range(2)]

    def run(x, p):  # PyTorch's own padding refuses windows larger than the bare input
        mean = functional.avg_pool3d(functional.pad(x[0], sides), window, stride)
        inside = functional.avg_pool3d(functional.pad(torch.ones_like(x[0]), sides), window, stride)
        return mean if counts else mean / inside

    return case, [d.normal(n, c, *extent)], [], run


def pool_shape(d):
    """batch, channels, extent, window, stride, padding where the window fits."""
    n, c, extent = d.shape(MOST_ELEMENTS)
    window, stride = d.axes([1, 2, 2, 3, 4, 5]), d.axes([1, 2, 2, 3])
    padding = tuple(d.integer(0, w // 2) for w in window) if d.chance(0.6) else (0, 0, 0)
    out = [(e + 2 * p - w) // s + 1 if e + 2 * p >= w else 0 for e, p, w, s in zip(extent, padding, window, stride)]
    return (n, c, extent, window, stride, padding) if min(out) > 0 and math.prod(window) > 1 else None


def random_max_pool(d):
    spec = pool_shape(d)
    return spec and max_pool(d, *spec)


def random_average_pool(d):
    spec = pool_shape(d)
    return spec and average_pool(d, *spec, d.chance(0.5))


def random_global_pool(d):
    n, c, extent = d.shape(MOST_ELEMENTS)
    return {}, [d.normal(n, c, *extent)], [], lambda x, p: functional.adaptive_avg_pool3d(x[0], 1)


def random_crop(d):
    n, c, extent = d.shape(MOST_ELEMENTS)
    return crop_case(d, n, c, extent, tuple(d.integer(1, e) for e in extent))


def crop_case(d, n, c, extent, size):
    """The centre; an odd remainder goes to the high side."""
    low = [(a - b) // 2 for a, b in zip(extent, size)]
    return {"size": list(size)}, [d.normal(n, c, *extent)], [], lambda x, p: crop(x[0], low, size)


def random_pad(d):
    n, c, extent = d.shape(300)
    mode = d.choice(["constant", "reflect", "edge"])
    most = [min(4, e - 1) if mode == "reflect" else 4 for e in extent]
    low, high = ([d.integer(0, m) for m in most] for _ in range(2))
    if sum(low) + sum(high) == 0 or n * c * math.prod(e + a + b for e, a, b in zip(extent, low, high)) > 1200:
        return None
    value = d.rounded(-2, 2) if mode == "constant" and d.chance(0.6) else 0.0
    sides = [side for pair in reversed(list(zip(low, high))) for side in pair]
    words = {"constant": {"mode": "constant", "value": value}, "reflect": {"mode": "reflect"}}
    words["edge"] = {"mode": "replicate"}
    run = lambda x, p: functional.pad(x[0], sides, **words[mode])
    case = {"mode": mode, "low": low, "high": high, "value": value}
    return case, [d.normal(n, c, *extent)], [], run


def random_upsample(d):
    n, c, extent = d.shape(250)
    mode, factor = d.choice(["nearest", "trilinear"]), d.axes([1, 2, 2, 3, 4])
    if not 1 < math.prod(factor) <= 1200 // (n * c * math.prod(extent)):
        return None
    return upsample_case(d, mode, n, c, extent, factor)


def upsample_case(d, mode, n, c, extent, factor):
    run = lambda x, p: upsample(x[0], factor, mode)
    return {"mode": mode, "factor": list(factor)}, [d.normal(n, c, *extent)], [], run


def random_resize(d):
    n, c, extent = d.shape(400)
    size = d.axes([1, 2, 3, 4, 5, 6, 7, 9, 11, 13])
    if size == extent or n * c * math.prod(size) > 1200:
        return None
    mode = d.choice(["nearest", "trilinear", "trilinear"])
    aligned = mode == "trilinear" and d.chance(0.5)
    words = {"align_corners": aligned} if mode == "trilinear" else {}
    run = lambda x, p: functional.interpolate(x[0], size, mode=mode, **words)
    return {"mode": mode, "size": list(size), "alignCorners": aligned}, [d.normal(n, c, *extent)], [], run


def crop(x, offset, size):
    """The voxels [offset, offset + size) of the last three axes."""
    (d, h, w), (sd, sh, sw) = offset, size
    return x[:, :, d:d + sd, h:h + sh, w:w + sw]


def fixed(make, *spec):
    return lambda d: make(d, *spec)


FIXED = (
    [("maxPool3d", name, fixed(max_pool, n, c, e, w, w)) for name, n, c, e, w in POOLINGS]
    + [("upsample", f"{spec[0]}_{spec[1]}", fixed(upsample_case, spec[0], *spec[2:])) for spec in UPSAMPLINGS]
    + [
        ("crop", "centre", fixed(crop_case, 2, 3, (7, 5, 9), (3, 3, 5))),
        ("crop", "odd_remainder", fixed(crop_case, 1, 5, (4, 5, 8), (3, 2, 5))),
    ]
)
RANDOM = [
    ("maxPool3d", 16, random_max_pool), ("averagePool3d", 16, random_average_pool),
    ("globalAveragePool", 5, random_global_pool), ("crop", 5, random_crop), ("pad", 18, random_pad),
    ("upsample", 12, random_upsample), ("resize", 20, random_resize),
]
