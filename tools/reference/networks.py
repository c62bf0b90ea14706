"""PyTorch twins of VoxCL's networks: `unet3d`, S2 and S3; systems.py has the others.

Axes are N x C x D x H x W. Modules are registered in the order in which VoxCL declares its layers, so that
`list(network.parameters())` is VoxCL's declaration order. All networks return logits: softmax belongs to the loss.
"""

import math

from torch import nn
from torch.nn import functional
import torch

UNET3D_DEFAULTS = {
    "inputChannels": 1,
    "classes": 2,
    "widths": [16, 32, 64, 128],
    "norm": "instance",
    "activation": "leakyReLU",
    "down": "max-pool",
    "up": "transposed",
    "residual": False,
    "kernels": None,
    "factors": None,
}


def normalisation(kind, channels):
    """The affine norm of that kind over `channels` (eps 1e-5, batch momentum 0.1), or None."""
    if kind == "none":
        return None
    if kind == "batch":
        return nn.BatchNorm3d(channels, eps=1e-5, momentum=0.1)
    if kind == "instance":
        return nn.InstanceNorm3d(channels, eps=1e-5, affine=True)
    raise ValueError(f"norm is {kind!r}, expected none, batch or instance")


def activation(kind):
    """The activation of that kind."""
    if kind == "relu":
        return nn.ReLU()
    if kind == "leakyReLU":
        return nn.LeakyReLU(0.01)
    raise ValueError(f"activation is {kind!r}, expected relu or leakyReLU")


class ConvNormAct(nn.Module):
    """conv (same padding, bias) -> norm -> activation."""

    def __init__(self, inputs, outputs, kernel=(3, 3, 3), stride=(1, 1, 1), norm="none", act="relu", bias=True):
        super().__init__()
        padding = tuple(k // 2 for k in kernel)
        self.conv = nn.Conv3d(inputs, outputs, kernel, stride, padding, bias=bias)
        self.norm = normalisation(norm, outputs)
        self.act = activation(act)

    def kink(self):
        """The activation that has one, and the layer whose bias moves its input."""
        return self.act, self.norm or self.conv

    def biases_before_norm(self):
        return [] if self.norm is None or self.conv.bias is None else [self.conv.bias]

    def forward(self, x):
        x = self.conv(x)
        return self.act(x if self.norm is None else self.norm(x))


class ConvPair(nn.Module):
    """Two ConvNormAct blocks; with `residual`, plus the input (through a 1x1x1 conv where shapes differ)."""

    def __init__(self, inputs, outputs, kernel, stride, norm, act, residual):
        super().__init__()
        self.block0 = ConvNormAct(inputs, outputs, kernel, stride, norm, act)
        self.block1 = ConvNormAct(outputs, outputs, kernel, (1, 1, 1), norm, act)
        self.residual = residual
        self.projection = None
        if residual and (inputs != outputs or tuple(stride) != (1, 1, 1)):
            self.projection = nn.Conv3d(inputs, outputs, 1, stride)

    def forward(self, x):
        y = self.block1(self.block0(x))
        if not self.residual:
            return y
        return y + (x if self.projection is None else self.projection(x))


class UNet3D(nn.Module):
    """VoxCL's `unet3d`; the options are those of UNET3D_DEFAULTS.

    `kernels[i]` is the [kd, kh, kw] of level i (default 3, 3, 3), `factors[i]` the factor per axis between levels i and
    i + 1 (default 2, 2, 2). Concatenation is [skip, up].
    """

    def __init__(self, **options):
        super().__init__()
        unknown = set(options) - set(UNET3D_DEFAULTS)
        if unknown:
            raise ValueError(f"unet3d has no option {sorted(unknown)}, only {sorted(UNET3D_DEFAULTS)}")
        o = {**UNET3D_DEFAULTS, **options}
        widths = o["widths"]
        levels = len(widths)
        kernels = [tuple(k) for k in (o["kernels"] or [(3, 3, 3)] * levels)]
        self.factors = [tuple(f) for f in (o["factors"] or [(2, 2, 2)] * (levels - 1))]
        self.strided = o["down"] == "strided"
        self.levels = levels
        pair = dict(norm=o["norm"], act=o["activation"], residual=o["residual"])
        previous = o["inputChannels"]
        for i, width in enumerate(widths):
            stride = self.factors[i - 1] if self.strided and i > 0 else (1, 1, 1)
            if i > 0 and not self.strided:
                self.add_module(f"pool{i}", nn.MaxPool3d(self.factors[i - 1]))
            self.add_module(f"encoder{i}", ConvPair(previous, width, kernels[i], stride, **pair))
            previous = width
        self.transposed = o["up"] == "transposed"
        for i in reversed(range(levels - 1)):
            upper = widths[i + 1]
            if self.transposed:
                factor = self.factors[i]
                self.add_module(f"up{i}", nn.ConvTranspose3d(upper, widths[i], factor, factor))
                upper = widths[i]
            self.add_module(
                f"decoder{i}", ConvPair(widths[i] + upper, widths[i], kernels[i], (1, 1, 1), **pair)
            )
        self.head = nn.Conv3d(widths[0], o["classes"], 1)

    def forward(self, x):
        skips = []
        for i in range(self.levels):
            if i > 0 and not self.strided:
                x = getattr(self, f"pool{i}")(x)
            x = getattr(self, f"encoder{i}")(x)
            skips.append(x)
        for i in reversed(range(self.levels - 1)):
            if self.transposed:
                x = getattr(self, f"up{i}")(x)
            else:
                x = upsample(x, self.factors[i], "trilinear")
            x = getattr(self, f"decoder{i}")(torch.cat([skips[i], x], 1))
        return self.head(x)


class S2(nn.Module):
    """mrshamshir/3D-Liver-Segmentation: no norm, ReLU, max-pool, trilinear up, concatenation [up, skip]."""

    def __init__(self, base=32, classes=3):
        super().__init__()
        widths = [base, 2 * base, 4 * base, 8 * base]
        pair = dict(kernel=(3, 3, 3), stride=(1, 1, 1), norm="none", act="relu", residual=False)
        self.pool0, self.pool1, self.pool2 = nn.MaxPool3d(2), nn.MaxPool3d(2), nn.MaxPool3d(2)
        self.e0 = ConvPair(1, widths[0], **pair)
        self.e1 = ConvPair(widths[0], widths[1], **pair)
        self.e2 = ConvPair(widths[1], widths[2], **pair)
        self.mid = ConvPair(widths[2], widths[3], **pair)
        self.d2 = ConvPair(widths[3] + widths[2], widths[2], **pair)
        self.d1 = ConvPair(widths[2] + widths[1], widths[1], **pair)
        self.d0 = ConvPair(widths[1] + widths[0], widths[0], **pair)
        self.head = nn.Conv3d(widths[0], classes, 1)
        if (base, classes) == (32, 3):
            assert parameter_count(self) == 5_836_099, parameter_count(self)

    def forward(self, x):
        skip0 = self.e0(x)
        skip1 = self.e1(self.pool0(skip0))
        skip2 = self.e2(self.pool1(skip1))
        x = self.mid(self.pool2(skip2))
        x = self.d2(torch.cat([upsample(x, 2, "trilinear"), skip2], 1))
        x = self.d1(torch.cat([upsample(x, 2, "trilinear"), skip1], 1))
        x = self.d0(torch.cat([upsample(x, 2, "trilinear"), skip0], 1))
        return self.head(x)


def standard(inputs, outputs, kernel=3, stride=1):
    """S3's standard module: conv -> instance norm -> leaky ReLU 0.01."""
    return ConvNormAct(inputs, outputs, (kernel,) * 3, (stride,) * 3, "instance", "leakyReLU")


class Context(nn.Module):
    """x + standard(dropout(standard(x)))."""

    def __init__(self, width, dropout):
        super().__init__()
        self.first = standard(width, width)
        self.dropout = nn.Dropout(dropout)
        self.second = standard(width, width)

    def forward(self, x):
        return self.second(self.dropout(self.first(x))) + x


class S3(nn.Module):
    """COMP3710's improved 3D U-Net (Isensee 2017 style): concatenation [skip, up], heads of three levels summed."""

    def __init__(self, base=16, classes=6, dropout=0.3):
        super().__init__()
        w = [base, 2 * base, 4 * base, 8 * base, 16 * base]
        previous = 1
        for i, width in enumerate(w):
            self.add_module(f"b{i + 1}", standard(previous, width, stride=1 if i == 0 else 2))
            self.add_module(f"ctx{i + 1}", Context(width, dropout))
            previous = width
        for i, width in enumerate(reversed(w[:-1])):
            self.add_module(f"up{i + 1}T", nn.ConvTranspose3d(previous, width, 4, 2, 1))
            self.add_module(f"up{i + 1}blk", standard(width, width))
            if i < 3:
                self.add_module(f"loc{i + 1}a", standard(2 * width, width))
                self.add_module(f"loc{i + 1}b", standard(width, width, kernel=1))
            previous = width
        self.convOutput = standard(2 * base, 2 * base)
        self.seg1 = nn.Conv3d(w[2], classes, 1)
        self.upscale1 = nn.ConvTranspose3d(classes, classes, 4, 2, 1)
        self.seg2 = nn.Conv3d(w[1], classes, 1)
        self.upscale2 = nn.ConvTranspose3d(classes, classes, 4, 2, 1)
        self.seg3 = nn.Conv3d(2 * base, classes, 1)
        if (base, classes) == (16, 6):
            assert parameter_count(self) == 10_484_894, parameter_count(self)

    def forward(self, x):
        sums = []
        for i in range(1, 6):
            x = getattr(self, f"b{i}")(x)
            x = getattr(self, f"ctx{i}")(x)
            sums.append(x)
        localised = []
        for i in range(1, 5):
            x = getattr(self, f"up{i}blk")(getattr(self, f"up{i}T")(x))
            x = torch.cat([sums[4 - i], x], 1)
            if i < 4:
                x = getattr(self, f"loc{i}b")(getattr(self, f"loc{i}a")(x))
                localised.append(x)
        x = self.convOutput(x)
        coarse = self.upscale1(self.seg1(localised[1])) + self.seg2(localised[2])
        return self.upscale2(coarse) + self.seg3(x)


def upsample(x, factors, mode):
    """x enlarged by whole factors; trilinear has align_corners=False."""
    factors = tuple(float(f) for f in factors) if isinstance(factors, tuple) else float(factors)
    corners = {"align_corners": False} if mode == "trilinear" else {}
    return functional.interpolate(x, scale_factor=factors, mode=mode, **corners)


def parameter_count(network):
    """Number of trainable elements."""
    return sum(p.numel() for p in network.parameters())


def biases_before_norm(network):
    """Indices, in declaration order, of the biases whose gradient is exactly 0 because a norm follows."""
    hidden = {
        id(bias) for m in network.modules() if hasattr(m, "biases_before_norm") for bias in m.biases_before_norm()
    }
    return [i for i, p in enumerate(network.parameters()) if id(p) in hidden]


def transposed_weights(network):
    """Indices, in declaration order, of the weights of transposed convolutions (I x O x D x H x W in PyTorch)."""
    ids = {id(m.weight) for m in network.modules() if isinstance(m, nn.ConvTranspose3d)}
    return [i for i, p in enumerate(network.parameters()) if id(p) in ids]


def build(model, **options):
    """The network of that name."""
    import systems

    kinds = {"unet3d": UNet3D, "S2": S2, "S3": S3, **systems.KINDS}
    if model not in kinds:
        raise ValueError(f"no network {model!r}, expected one of {sorted(kinds)}")
    return kinds[model](**options)


def randomise(network, generator):
    """Draws every parameter: He's normal weights, so that a network without norms still carries a signal; small
    biases; norms whose scale and shift are not 1 and 0, so that a mistake in either shows."""
    def normal(parameter, mean, deviation):
        parameter.copy_(mean + deviation * torch.randn(parameter.shape, generator=generator))

    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.ConvTranspose3d):
                taps = math.prod(module.kernel_size) / math.prod(module.stride)
                normal(module.weight, 0, (1 / (module.in_channels * taps)) ** 0.5)
                normal(module.bias, 0, 0.1)
            elif isinstance(module, nn.Conv3d):
                normal(module.weight, 0, (2 / (module.in_channels * math.prod(module.kernel_size))) ** 0.5)
                if module.bias is not None:
                    normal(module.bias, 0, 0.1)
            elif hasattr(module, "running_mean"):
                normal(module.weight, 1, 0.2)
                normal(module.bias, 0, 0.2)
