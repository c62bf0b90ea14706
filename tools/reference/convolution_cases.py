"""Convolutions and transposed convolutions."""

import math

from torch.nn import functional

MOST_ELEMENTS, MOST_WEIGHTS = 600, 700

# name, batch, input channels, output channels, extent, kernel, stride, padding mode, bias
CONVOLUTIONS = [
    ("k111_s111_bias", 2, 5, 37, (1, 3, 7), (1, 1, 1), (1, 1, 1), "same", True),
    ("k111_s222_bias", 2, 3, 18, (5, 7, 3), (1, 1, 1), (2, 2, 2), "same", True),
    ("k333_s111_same_nobias", 1, 1, 16, (3, 3, 17), (3, 3, 3), (1, 1, 1), "same", False),
    ("k333_s111_same_one_channel", 1, 1, 1, (3, 13, 19), (3, 3, 3), (1, 1, 1), "same", True),
    ("k333_s111_same_wide", 1, 17, 17, (3, 5, 3), (3, 3, 3), (1, 1, 1), "same", True),
    ("k333_s111_same_flat", 2, 2, 3, (1, 1, 5), (3, 3, 3), (1, 1, 1), "same", True),
    ("k333_s111_same_long_row", 1, 2, 3, (3, 2, 67), (3, 3, 3), (1, 1, 1), "same", True),
    ("k333_s111_valid_bias", 2, 7, 5, (5, 3, 7), (3, 3, 3), (1, 1, 1), "valid", True),
    ("k333_s222_same_odd", 2, 5, 17, (5, 3, 9), (3, 3, 3), (2, 2, 2), "same", True),
    ("k333_s222_same_even", 1, 5, 6, (8, 6, 10), (3, 3, 3), (2, 2, 2), "same", True),
    ("k333_s222_valid_bias", 1, 4, 17, (5, 3, 9), (3, 3, 3), (2, 2, 2), "valid", True),
    ("k133_s111_same_wide", 1, 37, 6, (2, 3, 5), (1, 3, 3), (1, 1, 1), "same", False),
    ("k313_s212_same_bias", 1, 3, 17, (7, 3, 9), (3, 1, 3), (2, 1, 2), "same", True),
    ("k331_s221_same_bias", 1, 18, 3, (5, 6, 3), (3, 3, 1), (2, 2, 1), "same", True),
]

# name, batch, input channels, output channels, extent, kernel, stride, padding, bias
TRANSPOSED = [
    ("k222_s222_bias", 2, 16, 5, (1, 3, 5), (2, 2, 2), (2, 2, 2), (0, 0, 0), True),
    ("k222_s222_nobias", 1, 17, 18, (1, 2, 3), (2, 2, 2), (2, 2, 2), (0, 0, 0), False),
    ("k444_s222_p111_planar", 1, 6, 6, (2, 2, 5), (4, 4, 4), (2, 2, 2), (1, 1, 1), True),
    ("k122_s122_bias", 2, 7, 17, (3, 2, 3), (1, 2, 2), (1, 2, 2), (0, 0, 0), True),
    ("k144_s122_p011_bias", 1, 16, 5, (3, 5, 3), (1, 4, 4), (1, 2, 2), (0, 1, 1), True),
]


def convolution(d, n, ci, co, extent, kernel, stride, mode, bias, dilation=(1, 1, 1), groups=1, sides=None):
    """A case of conv3d; None where nothing of the output is left or it is too large to store."""
    span = [(k - 1) * s + 1 for k, s in zip(kernel, dilation)]
    if mode == "same":
        low, high = [(k - 1) // 2 for k in span], [k // 2 for k in span]
    else:
        low, high = sides or ((0, 0, 0), (0, 0, 0))
    out = [(e + a + b - k) // s + 1 for e, a, b, k, s in zip(extent, low, high, span, stride)]
    if min(out) < 1 or any(e + a + b < k for e, a, b, k in zip(extent, low, high, span)):
        return None
    x, weight = d.normal(n, ci, *extent), d.normal(co, ci // groups, *kernel)
    weight = weight * (ci // groups * math.prod(kernel)) ** -0.5
    parameters = [weight] + ([d.normal(co)] if bias else [])
    pad = [side for pair in reversed(list(zip(low, high))) for side in pair]

    def run(inputs, p):
        padded = functional.pad(inputs[0], pad)
        return functional.conv3d(padded, p[0], p[1] if bias else None, stride, 0, dilation, groups)

    case = {
        "outputChannels": co, "kernel": list(kernel), "stride": list(stride), "dilation": list(dilation),
        "groups": groups, "paddingMode": mode, "low": list(low), "high": list(high), "bias": bias,
    }
    return case, [x], parameters, run


def transposed(d, n, ci, co, extent, kernel, stride, padding, bias, dilation=(1, 1, 1), groups=1, more=(0, 0, 0)):
    """A case of convTranspose3d; `more` is PyTorch's output_padding."""
    out = [
        (e - 1) * s - 2 * p + (k - 1) * l + 1 + m
        for e, s, p, k, l, m in zip(extent, stride, padding, kernel, dilation, more)
    ]
    if min(out) < 1 or any(m >= max(s, l) for m, s, l in zip(more, stride, dilation)):
        return None
    x, weight = d.normal(n, ci, *extent), d.normal(ci, co // groups, *kernel) * (ci // groups) ** -0.5
    parameters = [weight] + ([d.normal(co)] if bias else [])

    def run(inputs, p):
        return functional.conv_transpose3d(
            inputs[0], p[0], p[1] if bias else None, stride, padding, more, groups, dilation
        )

    case = {
        "outputChannels": co, "kernel": list(kernel), "stride": list(stride), "dilation": list(dilation),
        "groups": groups, "padding": list(padding), "outputPadding": list(more), "bias": bias,
    }
    return case, [x], parameters, run


def channels(d, kind):
    """Input and output channels and groups."""
    if kind == "depthwise":
        ci = d.channels()
        return ci, ci * d.choice([1, 1, 2] if ci <= 18 else [1]), ci
    if kind == "grouped":
        groups = d.integer(2, 6)
        return groups * d.integer(1, 37 // groups), groups * d.integer(1, 37 // groups), groups
    return d.channels(), d.channels(), 1


def fits(n, ci, co, groups, extent, out, kernel):
    """Whether the tensors are small enough to store."""
    sizes = (n * ci * math.prod(extent), n * co * math.prod(out))
    return max(sizes) <= MOST_ELEMENTS and ci * co // groups * math.prod(kernel) <= MOST_WEIGHTS


def random_convolution(d):
    kind = d.choice(["plain", "plain", "dilated", "grouped", "depthwise"])
    ci, co, groups = channels(d, kind)
    n, _, extent = d.shape(MOST_ELEMENTS)
    kernel, stride = d.axes([1, 2, 3, 3, 4, 5]), d.axes([1, 1, 1, 2, 2, 3])
    if d.chance(0.25):
        kernel, stride = (3, 3, 3), (1, 1, 1)
    dilation = d.axes([1, 2, 3]) if kind == "dilated" or d.chance(0.15) else (1, 1, 1)
    mode = d.choice(["same", "same", "valid", "explicit", "asymmetric"])
    sides = None
    if mode == "explicit":
        sides = (d.axes([0, 1, 2]),) * 2
    elif mode == "asymmetric":
        sides = (d.axes([0, 1, 2, 3]), d.axes([0, 1, 2, 3]))
    made = None
    if n * ci * math.prod(extent) <= MOST_ELEMENTS and ci * co // groups * math.prod(kernel) <= MOST_WEIGHTS:
        made = convolution(d, n, ci, co, extent, kernel, stride, mode, d.chance(0.7), dilation, groups, sides)
    if made is None:
        return None
    case = made[0]
    span = [(k - 1) * l + 1 for k, l in zip(kernel, dilation)]
    out = [
        (e + a + b - k) // s + 1 for e, a, b, k, s in zip(extent, case["low"], case["high"], span, stride)
    ]
    return made if fits(n, ci, co, groups, extent, out, kernel) else None


def random_transposed(d):
    ci, co, groups = channels(d, d.choice(["plain", "plain", "plain", "grouped", "depthwise"]))
    n, _, extent = d.shape(300)
    kernel, stride = d.axes([1, 2, 2, 3, 4, 5]), d.axes([1, 2, 2, 3])
    dilation = d.axes([1, 2]) if d.chance(0.2) else (1, 1, 1)
    padding = d.axes([0, 0, 1, 2]) if d.chance(0.6) else (0, 0, 0)
    more = d.axes([0, 1, 1, 2]) if d.chance(0.4) else (0, 0, 0)
    out = [
        (e - 1) * s - 2 * p + (k - 1) * l + 1 + m
        for e, s, p, k, l, m in zip(extent, stride, padding, kernel, dilation, more)
    ]
    if min(out) < 1 or not fits(n, ci, co, groups, extent, out, kernel):
        return None
    return transposed(d, n, ci, co, extent, kernel, stride, padding, d.chance(0.7), dilation, groups, more)


def fixed_convolution(spec):
    return lambda d: convolution(d, *spec)


def fixed_transposed(spec):
    return lambda d: transposed(d, *spec)


FIXED = [("conv3d", name, fixed_convolution(spec)) for name, *spec in CONVOLUTIONS] + [
    ("convTranspose3d", name, fixed_transposed(spec)) for name, *spec in TRANSPOSED
]
RANDOM = [("conv3d", 76, random_convolution), ("convTranspose3d", 32, random_transposed)]
