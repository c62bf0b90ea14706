"""What works voxel by voxel: activations, softmax, sums, products, concatenation."""

import torch
from torch.nn import functional

from geometry_cases import crop

MOST_ELEMENTS = 700

ACTIVATIONS = {
    "relu": (lambda d: {}, lambda t, a: functional.relu(t)),
    "leakyRelu": (lambda d: {"slope": d.rounded(0.01, 0.5)}, lambda t, a: functional.leaky_relu(t, a["slope"])),
    "elu": (lambda d: {"alpha": d.rounded(0.2, 2)}, lambda t, a: functional.elu(t, a["alpha"])),
    "silu": (lambda d: {}, lambda t, a: functional.silu(t)),
    "gelu": (lambda d: {}, lambda t, a: functional.gelu(t)),
    "sigmoid": (lambda d: {}, lambda t, a: torch.sigmoid(t)),
    "tanh": (lambda d: {}, lambda t, a: torch.tanh(t)),
}


def activation(kind, shape=None):
    attributes, function = ACTIVATIONS[kind]

    def make(d):
        n, c, extent = shape or d.shape(500)
        case = attributes(d)
        return case, [d.rounded(0.5, 4) * d.normal(n, c, *extent)], [], lambda x, p: function(x[0], case)

    return make


def prelu(d):
    n, c, extent = d.shape(MOST_ELEMENTS)
    per_channel = d.chance(0.6)
    slope = 0.25 + 0.3 * d.normal(c if per_channel else 1)
    run = lambda x, p: functional.prelu(x[0], p[0])
    return {"perChannel": per_channel}, [2 * d.normal(n, c, *extent)], [slope], run


def softmax(d):
    n, c, extent = d.shape(500)
    return {}, [3 * d.normal(n, c, *extent)], [], lambda x, p: torch.softmax(x[0], 1)


def join(function):
    """A sum or a product whose second input may have one channel and extent 1 on any axis."""

    def make(d):
        n, c, extent = d.shape(MOST_ELEMENTS)
        repeats = d.chance(0.75)
        channels = 1 if repeats and d.chance(0.5) else c
        size = tuple(1 if repeats and d.chance(0.5) else e for e in extent)
        return {}, [d.normal(n, c, *extent), d.normal(n, channels, *size)], [], lambda x, p: function(*x)

    return make


def concat(d):
    while True:
        n, _, extent = d.shape(60)
        channels = [d.channels() for _ in range(d.integer(2, 6))]
        if n * sum(channels) * extent[0] * extent[1] * extent[2] <= 900:
            break
    return {}, [d.normal(n, c, *extent) for c in channels], [], lambda x, p: torch.cat(x, 1)


def concat_with_crop(d):
    """Cropped skip and up, as valid convolutions ask for."""
    n, c, extent = d.shape(600)
    size = tuple(d.integer(1, e) for e in extent)
    low = [(a - b) // 2 for a, b in zip(extent, size)]
    other = d.integer(1, 20)
    if n * other * size[0] * size[1] * size[2] > 400:
        return None
    inputs = [d.normal(n, c, *extent), d.normal(n, other, *size)]
    return {"size": list(size)}, inputs, [], lambda x, p: torch.cat([crop(x[0], low, size), x[1]], 1)


def fixed_concat(n, channels, extent):
    def make(d):
        return {}, [d.normal(n, c, *extent) for c in channels], [], lambda x, p: torch.cat(x, 1)

    return make


FIXED = [
    (kind, name, activation(kind, shape))
    for kind in ACTIVATIONS for name, shape in [("one_voxel", (1, 37, (1, 1, 1))), ("planar", (2, 3, (5, 1, 13)))]
] + [
    ("concat", "two", fixed_concat(2, [16, 5], (3, 2, 5))),
    ("concat", "six", fixed_concat(1, [3, 17, 1, 16, 2, 5], (3, 1, 5))),
]
RANDOM = [(kind, 4, activation(kind)) for kind in ACTIVATIONS] + [
    ("prelu", 10, prelu), ("softmax", 10, softmax), ("add", 10, join(torch.add)), ("multiply", 12, join(torch.mul)),
    ("concat", 14, concat), ("concatWithCrop", 6, concat_with_crop),
]
