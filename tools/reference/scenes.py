"""Batches and starts on which float32 and float64 gradients can be compared at all.

A leaky ReLU's slope jumps at 0, and a max-pool's choice where two voxels are equal. A value within float32's rounding
of such a kink may fall on either side, and one flip moves a layer's gradient by one voxel's share: with random labels,
whose gradients nearly cancel, by one part in the square root of the voxels. Labels that follow the image keep gradients
from cancelling; starts that keep a margin from every kink make the comparison fair. Biases are nudged for the
activations' sake (`clear_activations`), and starts drawn again for the pools' (`clear_start`).
"""

import copy

import torch
from torch import nn
from torch.nn import functional


def scene(shape, classes, generator):
    """A smooth random field as N x C x D x H x W image with noise, and its quantiles as N x D x H x W classes."""
    coarse = torch.randn((shape[0], 1, 4, 4, 4), generator=generator)
    field = functional.interpolate(coarse, shape[2:], mode="trilinear", align_corners=False)
    field = (field - field.mean()) / field.std()
    image = field + 0.5 * torch.randn(shape, generator=generator)
    bounds = torch.quantile(field.flatten()[:1_000_000], torch.linspace(0, 1, classes + 1)[1:-1])
    target = torch.bucketize(field[:, 0].contiguous(), bounds).to(torch.int32)
    return image.contiguous(), target


def channels_of(target):
    """Classes 0 to 2 as two independent channels: 1 and 2, and 2 alone."""
    return torch.stack([target > 0, target > 1], 1).float()


def clear_activations(network, image, distance):
    """Shifts the bias before each activation, channel by channel in the order of execution, so that no value lies
    within `distance` (in root mean squares of its tensor; less where a channel has many values) of 0."""
    twin = copy.deepcopy(network).double()
    for own, exact in zip(network.modules(), twin.modules()):
        if hasattr(own, "kink"):
            exact.kink()[0].register_forward_pre_hook(shifter(own.kink()[1], distance))
    with torch.no_grad():
        twin(image.double())


def shifter(layer, distance):
    """A hook that changes `layer`'s float32 bias, and the activation's input accordingly."""

    def hook(_, inputs):
        z = inputs[0]
        # Twelve over a channel's number of values: wider gaps are found only far from 0.
        clear = min(distance, 12 * z.shape[1] / z.numel()) * z.square().mean().sqrt()
        shifts = torch.stack([gap_shift(channel, clear) for channel in z.transpose(0, 1).flatten(1)])
        old = layer.bias.detach().clone()
        layer.bias.copy_(old + shifts)
        return (z + (layer.bias.double() - old.double()).view(1, -1, 1, 1, 1),)

    return hook


def gap_shift(values, clear):
    """The smallest shift after which no value lies within `clear` of 0."""
    edges = torch.tensor([-torch.inf, torch.inf], dtype=values.dtype)
    v = torch.cat([edges[:1], values.sort().values, edges[1:]])
    low, high = v[:-1] + 1.01 * clear, v[1:] - 1.01 * clear
    points = torch.zeros_like(low).clamp(low, high)  # the point nearest to 0 in each gap
    points[low > high] = torch.inf
    return -points[points.abs().argmin()]


def margin(network, image):
    """The smallest distance of any value from a kink, over the root mean square of its tensor; in float64."""
    distances = []

    def at_activation(_, inputs, __):
        z = inputs[0]
        distances.append((z.abs().min() / z.square().mean().sqrt()).item())

    def at_pool(module, inputs, _):
        x = inputs[0]
        window = module.kernel_size if isinstance(module.kernel_size, tuple) else (module.kernel_size,) * 3
        n, c, d, h, w = x.shape
        a, b, e = window
        cells = x.reshape(n, c, d // a, a, h // b, b, w // e, e).permute(0, 1, 2, 4, 6, 3, 5, 7).flatten(5)
        first, second = cells.topk(2, dim=5).values.unbind(5)
        gaps = first - second
        gaps = gaps[gaps > 0]  # zeros of a ReLU tie without harm
        if gaps.numel() > 0:
            distances.append((gaps.min() / x.square().mean().sqrt()).item())

    network = copy.deepcopy(network).double()
    for module in network.modules():
        if isinstance(module, (nn.ReLU, nn.LeakyReLU)):
            module.register_forward_hook(at_activation)
        elif isinstance(module, nn.MaxPool3d):
            module.register_forward_hook(at_pool)
    with torch.no_grad():
        network(image.double())
    return min(distances, default=float("inf"))


def clear_start(draw, wanted, attempts=100):
    """The first of draw(0), draw(1), ... (each with `network` and `input`) with that margin, else the best."""
    best, best_margin = None, -1.0
    for attempt in range(attempts):
        start = draw(attempt)
        found = margin(start.network, start.input)
        if found > best_margin:
            best, best_margin = start, found
        if found >= wanted:
            break
    return best
