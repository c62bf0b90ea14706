"""Golden values of single operations: input -> op -> sum(output * weights), with gradients."""

import torch
from torch.nn import functional

from networks import upsample
from values_file import backward_case

SAME, VALID = "same", "valid"

# name, batch, input channels, output channels, extent, kernel, stride, padding, bias
CONVOLUTIONS = [
    ("k111_s111_bias", 2, 5, 37, (1, 3, 7), (1, 1, 1), (1, 1, 1), SAME, True),
    ("k111_s111_nobias", 1, 17, 6, (1, 5, 11), (1, 1, 1), (1, 1, 1), SAME, False),
    ("k111_s222_bias", 2, 3, 18, (5, 7, 3), (1, 1, 1), (2, 2, 2), SAME, True),
    ("k333_s111_same_bias", 2, 3, 17, (3, 5, 5), (3, 3, 3), (1, 1, 1), SAME, True),
    ("k333_s111_same_nobias", 1, 1, 16, (3, 3, 17), (3, 3, 3), (1, 1, 1), SAME, False),
    ("k333_s111_same_one_channel", 1, 1, 1, (3, 13, 19), (3, 3, 3), (1, 1, 1), SAME, True),
    ("k333_s111_same_wide", 1, 17, 17, (3, 5, 3), (3, 3, 3), (1, 1, 1), SAME, True),
    ("k333_s111_same_flat", 2, 2, 3, (1, 1, 5), (3, 3, 3), (1, 1, 1), SAME, True),
    ("k333_s111_same_long_row", 1, 2, 3, (3, 2, 67), (3, 3, 3), (1, 1, 1), SAME, True),
    ("k333_s111_valid_bias", 2, 7, 5, (5, 3, 7), (3, 3, 3), (1, 1, 1), VALID, True),
    ("k333_s111_valid_nobias", 1, 5, 17, (5, 3, 7), (3, 3, 3), (1, 1, 1), VALID, False),
    ("k333_s222_same_odd", 2, 5, 17, (5, 3, 9), (3, 3, 3), (2, 2, 2), SAME, True),
    ("k333_s222_same_even", 1, 5, 6, (8, 6, 10), (3, 3, 3), (2, 2, 2), SAME, True),
    ("k333_s222_same_nobias", 1, 1, 18, (5, 4, 13), (3, 3, 3), (2, 2, 2), SAME, False),
    ("k333_s222_valid_bias", 1, 4, 17, (5, 3, 9), (3, 3, 3), (2, 2, 2), VALID, True),
    ("k133_s111_same_bias", 2, 3, 18, (2, 5, 7), (1, 3, 3), (1, 1, 1), SAME, True),
    ("k133_s111_same_wide", 1, 37, 6, (2, 3, 5), (1, 3, 3), (1, 1, 1), SAME, False),
    ("k133_s111_valid_bias", 1, 5, 3, (3, 7, 5), (1, 3, 3), (1, 1, 1), VALID, True),
    ("k313_s111_same_bias", 1, 6, 17, (5, 3, 7), (3, 1, 3), (1, 1, 1), SAME, True),
    ("k331_s111_same_bias", 1, 17, 5, (5, 7, 3), (3, 3, 1), (1, 1, 1), SAME, True),
    ("k133_s122_same_bias", 2, 5, 16, (3, 5, 6), (1, 3, 3), (1, 2, 2), SAME, True),
    ("k313_s212_same_bias", 1, 3, 17, (7, 3, 9), (3, 1, 3), (2, 1, 2), SAME, True),
    ("k331_s221_same_bias", 1, 18, 3, (5, 6, 3), (3, 3, 1), (2, 2, 1), SAME, True),
    ("k333_s122_same_bias", 1, 4, 16, (3, 8, 7), (3, 3, 3), (1, 2, 2), SAME, True),
]

# name, batch, input channels, output channels, extent, kernel, stride, padding, bias
TRANSPOSED = [
    ("k222_s222_bias", 2, 16, 5, (1, 3, 5), (2, 2, 2), (2, 2, 2), (0, 0, 0), True),
    ("k222_s222_nobias", 1, 17, 18, (1, 2, 3), (2, 2, 2), (2, 2, 2), (0, 0, 0), False),
    ("k444_s222_p111_bias", 1, 3, 17, (2, 1, 3), (4, 4, 4), (2, 2, 2), (1, 1, 1), True),
    ("k444_s222_p111_planar", 1, 6, 6, (2, 2, 5), (4, 4, 4), (2, 2, 2), (1, 1, 1), True),
    ("k444_s222_p111_flat", 1, 17, 3, (1, 1, 3), (4, 4, 4), (2, 2, 2), (1, 1, 1), True),
    ("k122_s122_bias", 2, 7, 17, (3, 2, 3), (1, 2, 2), (1, 2, 2), (0, 0, 0), True),
    ("k144_s122_p011_bias", 1, 16, 5, (3, 5, 3), (1, 4, 4), (1, 2, 2), (0, 1, 1), True),
]

# name, batch, channels, extent, window
POOLINGS = [
    ("w222", 2, 17, (4, 2, 6), (2, 2, 2)),
    ("w222_one_channel", 1, 1, (2, 2, 14), (2, 2, 2)),
    ("w122", 2, 5, (3, 4, 14), (1, 2, 2)),
    ("w221", 1, 3, (6, 2, 5), (2, 2, 1)),
]

# mode, name, batch, channels, extent, factors
UPSAMPLINGS = [
    ("trilinear", "f222", 1, 17, (2, 3, 3), (2, 2, 2)),
    ("trilinear", "f222_flat", 1, 3, (1, 3, 2), (2, 2, 2)),
    ("trilinear", "f122", 1, 5, (3, 5, 7), (1, 2, 2)),
    ("nearest", "f222", 2, 17, (3, 1, 2), (2, 2, 2)),
    ("nearest", "f122", 1, 5, (3, 5, 7), (1, 2, 2)),
]

# name, batch, channels, extent, mean, standard deviation of the input
NORMS = [
    ("wide", 2, 17, (3, 2, 7), 0.5, 2.0),
    ("one_channel", 1, 1, (5, 7, 11), 0.0, 1.0),
    ("few_voxels", 2, 37, (1, 1, 5), 0.0, 1.0),
    ("far_mean", 1, 3, (3, 5, 13), 100.0, 1.0),
]


def write_all(writer, generator):
    """Every case of every operation."""
    convolutions(writer, generator)
    transposed_convolutions(writer, generator)
    resampling(writer, generator)
    norms(writer, generator)
    activations(writer, generator)
    joins(writer, generator)


def convolutions(writer, g):
    for name, n, ci, co, extent, kernel, stride, mode, bias in CONVOLUTIONS:
        padding = tuple(k // 2 if mode == SAME else 0 for k in kernel)
        x = torch.randn(n, ci, *extent, generator=g)
        scale = (ci * kernel[0] * kernel[1] * kernel[2]) ** -0.5
        parameters = [torch.randn(co, ci, *kernel, generator=g) * scale]
        if bias:
            parameters.append(torch.randn(co, generator=g))

        def run(inputs, p):
            return functional.conv3d(inputs[0], p[0], p[1] if bias else None, stride, padding)

        case = convolution_case("conv3d", n, ci, co, extent, kernel, stride, padding, bias)
        writer.write("ops", f"conv3d_{name}", case, backward_case(run, [x], parameters, g))


def transposed_convolutions(writer, g):
    for name, n, ci, co, extent, kernel, stride, padding, bias in TRANSPOSED:
        x = torch.randn(n, ci, *extent, generator=g)
        parameters = [torch.randn(ci, co, *kernel, generator=g) * ci**-0.5]
        if bias:
            parameters.append(torch.randn(co, generator=g))

        def run(inputs, p):
            return functional.conv_transpose3d(inputs[0], p[0], p[1] if bias else None, stride, padding)

        case = convolution_case("convTranspose3d", n, ci, co, extent, kernel, stride, padding, bias)
        writer.write("ops", f"convTranspose3d_{name}", case, backward_case(run, [x], parameters, g))


def convolution_case(op, n, ci, co, extent, kernel, stride, padding, bias):
    return {
        "op": op, "batch": n, "inputChannels": ci, "outputChannels": co, "extent": list(extent),
        "kernel": list(kernel), "stride": list(stride), "padding": list(padding), "bias": bias,
    }


def resampling(writer, g):
    for name, n, c, extent, window in POOLINGS:
        x = torch.randn(n, c, *extent, generator=g)
        case = {"op": "maxPool3d", **tensor_case(n, c, extent), "window": list(window)}
        run = lambda inputs, p: functional.max_pool3d(inputs[0], window, window)
        writer.write("ops", f"maxPool3d_{name}", case, backward_case(run, [x], [], g))
    for mode, name, n, c, extent, factors in UPSAMPLINGS:
        x = torch.randn(n, c, *extent, generator=g)
        case = {"op": "upsample", "mode": mode, **tensor_case(n, c, extent), "factor": list(factors)}
        run = lambda inputs, p: upsample(inputs[0], factors, mode)
        writer.write("ops", f"upsample_{mode}_{name}", case, backward_case(run, [x], [], g))


def norms(writer, g):
    for name, n, c, extent, mean, deviation in NORMS:
        x = mean + deviation * torch.randn(n, c, *extent, generator=g)
        parameters = [1 + 0.3 * torch.randn(c, generator=g), 0.5 * torch.randn(c, generator=g)]
        case = {**tensor_case(n, c, extent), "epsilon": 1e-5}

        def instance(inputs, p):
            return functional.instance_norm(inputs[0], weight=p[0], bias=p[1], eps=1e-5)

        values = backward_case(instance, [x], parameters, g)
        writer.write("ops", f"instanceNorm_{name}", {"op": "instanceNorm", **case}, values)
        for training in (True, False):
            running = [mean + 0.1 * torch.randn(c, generator=g), deviation**2 * (0.5 + torch.rand(c, generator=g))]
            after = [t.double() for t in running]

            def batch(inputs, p):
                return functional.batch_norm(inputs[0], *after, p[0], p[1], training, 0.1, 1e-5)

            values = backward_case(batch, [x], parameters, g)
            values.update({"state.runningMean": running[0], "state.runningVariance": running[1]})
            if training:
                values.update({"stateAfter.runningMean": after[0], "stateAfter.runningVariance": after[1]})
            mode = "train" if training else "eval"
            attributes = {"op": "batchNorm", "training": training, "momentum": 0.1, **case}
            writer.write("ops", f"batchNorm_{mode}_{name}", attributes, values)


def activations(writer, g):
    shapes = [("wide", 2, 18, (3, 1, 7)), ("one_voxel", 1, 37, (1, 1, 1)), ("planar", 2, 3, (5, 1, 13))]
    kinds = {
        "relu": ({}, functional.relu),
        "leakyRelu": ({"slope": 0.01}, lambda t: functional.leaky_relu(t, 0.01)),
        "sigmoid": ({}, torch.sigmoid),
        "softmax": ({}, lambda t: torch.softmax(t, 1)),
    }
    for kind, (attributes, function) in kinds.items():
        for name, n, c, extent in shapes:
            x = 3 * torch.randn(n, c, *extent, generator=g)
            case = {"op": kind, **attributes, **tensor_case(n, c, extent)}
            run = lambda inputs, p: function(inputs[0])
            writer.write("ops", f"{kind}_{name}", case, backward_case(run, [x], [], g))


def joins(writer, g):
    for name, n, c, extent in [("wide", 2, 17, (3, 1, 7)), ("planar", 1, 3, (1, 7, 11))]:
        x = [torch.randn(n, c, *extent, generator=g) for _ in range(2)]
        case = {"op": "add", "inputs": 2, **tensor_case(n, c, extent)}
        writer.write("ops", f"add_{name}", case, backward_case(lambda t, p: t[0] + t[1], x, [], g))
    for name, n, channels, extent in [("two", 2, [16, 5], (3, 2, 5)), ("three", 1, [3, 17, 1], (5, 3, 2))]:
        x = [torch.randn(n, c, *extent, generator=g) for c in channels]
        case = {"op": "concat", "batch": n, "channels": channels, "extent": list(extent)}
        writer.write("ops", f"concat_{name}", case, backward_case(lambda t, p: torch.cat(t, 1), x, [], g))
    for name, n, c, extent, to in [("centre", 2, 3, (7, 5, 9), (3, 3, 5)), ("one_axis", 1, 5, (3, 5, 11), (3, 5, 7))]:
        x = torch.randn(n, c, *extent, generator=g)
        offset = [(a - b) // 2 for a, b in zip(extent, to)]
        case = {"op": "crop", **tensor_case(n, c, extent), "offset": offset, "size": list(to)}
        run = lambda t, p: crop(t[0], offset, to)
        writer.write("ops", f"crop_{name}", case, backward_case(run, [x], [], g))
    skip, up = torch.randn(1, 7, 7, 9, 5, generator=g), torch.randn(1, 16, 3, 5, 1, generator=g)
    case = {
        "op": "concatWithCrop", "batch": 1, "channels": [7, 16], "extents": [[7, 9, 5], [3, 5, 1]],
        "offset": [2, 2, 2], "size": [3, 5, 1],
    }
    run = lambda t, p: torch.cat([crop(t[0], [2, 2, 2], (3, 5, 1)), t[1]], 1)
    writer.write("ops", "concatWithCrop_centre", case, backward_case(run, [skip, up], [], g))


def crop(x, offset, size):
    """The voxels [offset, offset + size) of the last three axes."""
    (d, h, w), (sd, sh, sw) = offset, size
    return x[:, :, d:d + sd, h:h + sh, w:w + sw]


def tensor_case(n, c, extent):
    return {"batch": n, "channels": c, "extent": list(extent)}
