"""Builds the PyTorch twin of a model from VoxCL's own list of its parameters, and moves weights between them."""

import math
import re

import numpy

import networks
from authors import AUTHORS
from voxcl import VoxCLError


def unet3d_options(parameters, overrides):
    """Options of the twin of `unet3d`, read from names and shapes as far as they tell."""
    options = {"inputChannels": parameters[0][1][1], "classes": parameters[-1][1][0]}
    widths, kernels = {}, {}
    for name, shape in parameters:
        level = re.match(r"(?:.*/)?encoder\.(\d+)/", name)
        if level and len(shape) == 5 and (max(shape[2:]) == 3 or int(level.group(1)) not in widths):
            widths[int(level.group(1))] = shape[0]
            kernels[int(level.group(1))] = list(shape[2:])
    if widths:
        options["widths"] = [widths[i] for i in sorted(widths)]
        options["kernels"] = [kernels[i] for i in sorted(kernels)]
    if not any("norm" in name for name, _ in parameters):
        options["norm"] = "none"
    return {**options, **overrides}


class Twin:
    """A PyTorch network whose n-th parameter is VoxCL's n-th."""

    def __init__(self, model, parameters, unet3d_overrides=None):
        self.names = [name for name, _ in parameters]
        author = AUTHORS[model]
        self.options = unet3d_options(parameters, unet3d_overrides or {}) if model == "unet3d" else author.options
        self.network = networks.build(author.network, **self.options)
        self.hidden = set(networks.biases_before_norm(self.network))
        transposed = set(networks.transposed_weights(self.network))
        own = [tuple(p.shape) for p in self.network.parameters()]
        if len(own) != len(parameters):
            raise VoxCLError(f"{model}: VoxCL lists {len(parameters)} parameters, the twin has {len(own)}")
        # VoxCL may hold the weights of transposed convolutions as O x I; square ones follow the others.
        swapped = any(swap(own[i]) == parameters[i][1] != own[i] for i in transposed)
        self.swapped = transposed if swapped else set()
        for i, (name, shape) in enumerate(parameters):
            expected = swap(own[i]) if i in self.swapped else own[i]
            if expected != shape:
                raise VoxCLError(f"{model}: parameter {i} ({name}) has shape {shape}, the twin's {expected}")

    def to_voxcl(self, tensors):
        """{name: float32 array} of a list of tensors in declaration order."""
        arrays = {}
        for i, tensor in enumerate(tensors):
            array = tensor.detach().cpu().numpy().astype(numpy.float32)
            arrays[self.names[i]] = numpy.ascontiguousarray(array.swapaxes(0, 1) if i in self.swapped else array)
        return arrays

    def from_voxcl(self, arrays, prefix):
        """VoxCL's arrays as a list in declaration order, float64, in PyTorch's axis order; None where missing."""
        found = []
        for i, name in enumerate(self.names):
            array = arrays.get(prefix + name)
            if array is not None:
                array = array.astype(numpy.float64)
                array = array.swapaxes(0, 1) if i in self.swapped else array
            found.append(array)
        return found

    def layers(self):
        """Indices of the parameters of each layer: those whose names differ in the last component only."""
        groups = {}
        for i, name in enumerate(self.names):
            groups.setdefault(name.rpartition("/")[0], []).append(i)
        return groups


def swap(shape):
    """The shape with its first two axes exchanged."""
    return (shape[1], shape[0], *shape[2:]) if len(shape) > 1 else shape


def relative(error, scale):
    """|error| / scale, where 0 / 0 is 0."""
    if not math.isfinite(error):
        return math.inf
    return 0.0 if error == 0 else error / scale if scale > 0 else math.inf
