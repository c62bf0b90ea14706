"""PyTorch twins of S0, S1, S4, R1 and R2, with the losses and optimizers of their authors.

As in networks.py: modules in VoxCL's order of declaration, logits for outputs. R2 returns its heads, the finest first.
"""

import torch
from torch import nn
from torch.nn import functional

import losses
from networks import ConvNormAct, parameter_count
from supervision_cases import nearest


class BatchRenorm3d(nn.Module):
    """Batch renormalisation (Ioffe 2017): no gradient through r and d; running statistics in prediction."""

    def __init__(self, channels, eps, momentum, r_max=1.0, d_max=0.0):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_std", torch.ones(channels))
        self.eps, self.momentum, self.r_max, self.d_max = eps, momentum, r_max, d_max

    def forward(self, x):
        over, of = (0, 2, 3, 4), (1, -1, 1, 1, 1)
        if not self.training:
            y = (x - self.running_mean.view(of)) / self.running_std.view(of)
            return self.weight.view(of) * y + self.bias.view(of)
        mean = x.mean(over)
        std = ((x - mean.view(of)).square().mean(over) + self.eps).sqrt()
        r = (std / self.running_std).clamp(1 / self.r_max, self.r_max).detach()
        d = ((mean - self.running_mean) / self.running_std).clamp(-self.d_max, self.d_max).detach()
        with torch.no_grad():
            self.running_mean += self.momentum * (mean - self.running_mean)
            self.running_std += self.momentum * (std - self.running_std)
        y = (x - mean.view(of)) / std.view(of) * r.view(of) + d.view(of)
        return self.weight.view(of) * y + self.bias.view(of)


def keras_norm(kind, channels, limits=(1.0, 0.0)):
    """Keras's batch norm (momentum 0.99, epsilon 1e-3), or batch renorm with the same numbers."""
    if kind == "renorm":
        return BatchRenorm3d(channels, 1e-3, 0.01, *limits)
    return nn.BatchNorm3d(channels, eps=1e-3, momentum=0.01) if kind == "batch" else None


class ValidBlock(nn.Module):
    """conv (valid) -> norm -> ReLU."""

    def __init__(self, inputs, outputs, kernel, norm, limits):
        super().__init__()
        self.conv = nn.Conv3d(inputs, outputs, kernel)
        self.norm = keras_norm(norm, outputs, limits)
        self.act = nn.ReLU()

    def kink(self):
        return self.act, self.norm or self.conv

    def biases_before_norm(self):
        return [] if self.norm is None else [self.conv.bias]

    def forward(self, x):
        x = self.conv(x)
        return self.act(x if self.norm is None else self.norm(x))


class S0(nn.Module):
    """The liver blog's 3D U-Net (Cicek 2016): valid convolutions, concatenation [cropped skip, up]."""

    def __init__(self, base=32, classes=2, norm="batch", is2D=False, limits=(1.0, 0.0)):
        super().__init__()
        kernel, self.window = ((1, 3, 3), (1, 2, 2)) if is2D else ((3, 3, 3), (2, 2, 2))
        block = lambda inputs, outputs: ValidBlock(inputs, outputs, kernel, norm, limits)
        previous = 1
        for level in range(4):
            inner, outer = base << level, base << (level + 1)
            if level > 0:
                self.add_module(f"pool{level}", nn.MaxPool3d(self.window))
            self.add_module(f"encoder{level}", nn.Sequential(block(previous, inner), block(inner, outer)))
            previous = outer
        for level in (2, 1, 0):
            width = base << (level + 1)
            self.add_module(f"up{level}", nn.ConvTranspose3d(previous, previous, self.window, self.window))
            self.add_module(f"decoder{level}", nn.Sequential(block(width + previous, width), block(width, width)))
            previous = width
        self.head = nn.Conv3d(previous, classes, 1)
        if (base, classes, norm, is2D) == (32, 2, "batch", False):
            assert parameter_count(self) == 19_073_730, parameter_count(self)

    def forward(self, x):
        skips = []
        for level in range(4):
            x = getattr(self, f"encoder{level}")(x if level == 0 else getattr(self, f"pool{level}")(x))
            skips.append(x)
        for level in (2, 1, 0):
            up = getattr(self, f"up{level}")(x)
            x = getattr(self, f"decoder{level}")(torch.cat([centre(skips[level], up.shape[2:]), up], 1))
        return self.head(x)


def centre(x, size):
    """The centre of the last three axes; an odd remainder goes to the high side."""
    for axis, length in zip((-3, -2, -1), size):
        x = x.narrow(axis, (x.shape[axis] - length) // 2, length)
    return x


class ConvActNorm(nn.Module):
    """conv (same) -> ReLU -> batch norm: S1's order."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = nn.Conv3d(inputs, outputs, 3, padding=1)
        self.act = nn.ReLU()
        self.norm = keras_norm("batch", outputs)

    def kink(self):
        return self.act, self.conv

    def forward(self, x):
        return self.norm(self.act(self.conv(x)))


class S1(nn.Module):
    """klin059/lits: liver and lesion as independent channels; two convolutions a block as text, one as code."""

    def __init__(self, form="asCode", base=64):
        super().__init__()

        def block(inputs, inner, outputs):
            if form == "asCode":
                return ConvActNorm(inputs, outputs)
            return nn.Sequential(ConvActNorm(inputs, inner), ConvActNorm(inner, outputs))

        previous = 1
        for level in range(3):
            width = base << level
            self.add_module(f"encoder{level}", block(previous, width // 2, width))
            self.add_module(f"pool{level}", nn.MaxPool3d(2))
            previous = width
        self.bottleneck = block(previous, 2 * base, 4 * base)
        previous = 4 * base
        for level in (2, 1, 0):
            width = base << level
            self.add_module(f"up{level}", nn.ConvTranspose3d(previous, width, 2, 2))
            self.add_module(f"decoder{level}", block(2 * width, width, width // 2))
            previous = width // 2
        self.head = nn.Conv3d(previous, 2, 1)
        if base == 64:
            assert parameter_count(self) == {"asCode": 5_890_978, "asText": 9_984_418}[form], parameter_count(self)

    def forward(self, x):
        skips = []
        for level in range(3):
            skips.append(getattr(self, f"encoder{level}")(x))
            x = getattr(self, f"pool{level}")(skips[-1])
        x = self.bottleneck(x)
        for level in (2, 1, 0):
            x = getattr(self, f"decoder{level}")(torch.cat([skips[level], getattr(self, f"up{level}")(x)], 1))
        return self.head(x)


class InPlane(nn.Module):
    """Two convolutions 1x3x3 with ReLU."""

    def __init__(self, inputs, width):
        super().__init__()
        self.first = ConvNormAct(inputs, width, (1, 3, 3))
        self.second = ConvNormAct(width, width, (1, 3, 3))

    def forward(self, x):
        return self.second(self.first(x))


class Gate(nn.Module):
    """Additive attention (Oktay et al. 2018): W(x psi), psi = sigmoid(conv(relu(theta(x) + phi(g))))."""

    def __init__(self, channels, gating):
        super().__init__()
        self.theta = nn.Conv3d(channels, channels // 2, (1, 2, 2), (1, 2, 2), bias=False)
        self.phi = nn.Conv3d(gating, channels // 2, 1)
        self.psi = nn.Conv3d(channels // 2, 1, 1)
        self.W = nn.Conv3d(channels, channels, 1)
        self.act = nn.ReLU()

    def kink(self):
        return self.act, self.phi

    def forward(self, x, g):
        theta = self.theta(x)
        phi = functional.interpolate(self.phi(g), theta.shape[2:], mode="nearest")
        psi = torch.sigmoid(self.psi(self.act(theta + phi)))
        return self.W(x * functional.interpolate(psi, x.shape[2:], mode="nearest"))


class S4(nn.Module):
    """IvanKuchin/pancreas_segmentation: attention U-Net in the slices' plane, fused deep-supervision maps."""

    def __init__(self, base=16, classes=2):
        super().__init__()
        previous = 1
        for level in range(5):
            if level > 0:
                self.add_module(f"pool{level}", nn.MaxPool3d((1, 2, 2)))
            self.add_module(f"encoder{level}", InPlane(previous, base << level))
            previous = base << level
        self.gating = nn.Conv3d(previous, 8 * base, 1)
        for level in (3, 2, 1, 0):
            width = base << level
            self.add_module(f"up{level}", nn.ConvTranspose3d(previous, width, (1, 4, 4), (1, 2, 2), (0, 1, 1)))
            if level > 0:
                self.add_module(f"gate{level}", Gate(width, 8 * base))
            self.add_module(f"decoder{level}", InPlane(2 * width, width))
            self.add_module(f"map{level}", nn.Conv3d(width, classes, 1))
            previous = width
        self.head = nn.Conv3d(4 * classes, classes, 1)
        if (base, classes) == (16, 2):
            assert parameter_count(self) == 2_575_741, parameter_count(self)

    def forward(self, x):
        skips = []
        for level in range(5):
            x = getattr(self, f"encoder{level}")(x if level == 0 else getattr(self, f"pool{level}")(x))
            skips.append(x)
        gating, maps = self.gating(x), []
        for level in (3, 2, 1, 0):
            skip = skips[level] if level == 0 else getattr(self, f"gate{level}")(skips[level], gating)
            x = getattr(self, f"decoder{level}")(torch.cat([getattr(self, f"up{level}")(x), skip], 1))
            own = getattr(self, f"map{level}")(x)
            maps.append(functional.interpolate(own, skips[0].shape[2:], mode="nearest"))
        return self.head(torch.cat(maps, 1))


class StridedUNet(nn.Module):
    """Blocks of two conv -> instance norm -> activation; strided down, transposed k2 s2 up, concat [up, skip]."""

    def __init__(self, widths, classes, bias, act, every_head):
        super().__init__()
        block = lambda inputs, outputs, stride: ConvNormAct(
            inputs, outputs, (3, 3, 3), (stride,) * 3, "instance", act, bias
        )
        self.levels, self.every_head, previous = len(widths), every_head, 1
        for level, width in enumerate(widths):
            first = block(previous, width, 1 if level == 0 else 2)
            self.add_module(f"encoder{level}", nn.Sequential(first, block(width, width, 1)))
            previous = width
        for level in reversed(range(self.levels - 1)):
            width = widths[level]
            self.add_module(f"up{level}", nn.ConvTranspose3d(previous, width, 2, 2))
            self.add_module(f"decoder{level}", nn.Sequential(block(2 * width, width, 1), block(width, width, 1)))
            if every_head or level == 0:
                self.add_module(f"head{level}", nn.Conv3d(width, classes, 1))
            previous = width

    def forward(self, x):
        skips, heads = [], []
        for level in range(self.levels):
            x = getattr(self, f"encoder{level}")(x)
            skips.append(x)
        for level in reversed(range(self.levels - 1)):
            x = getattr(self, f"decoder{level}")(torch.cat([getattr(self, f"up{level}")(x), skips[level]], 1))
            if self.every_head or level == 0:
                heads.insert(0, getattr(self, f"head{level}")(x))
        return heads if self.every_head else heads[0]


WIDTHS = [32, 64, 128, 256, 320, 320]


class R1(StridedUNet):
    """MLPerf Training's UNet3D: no bias before the norms, ReLU."""

    def __init__(self, widths=None, classes=3):
        super().__init__(widths or WIDTHS, classes, False, "relu", False)
        if widths is None and classes == 3:
            assert parameter_count(self) == 31_190_243, parameter_count(self)


class R2(StridedUNet):
    """nnU-Net's plain network: biases, leaky ReLU, a head at every resolution of the decoder."""

    def __init__(self, widths=None, classes=3):
        super().__init__(widths or WIDTHS, classes, True, "leakyReLU", True)
        if widths is None and classes == 3:
            assert parameter_count(self) == 31_196_399, parameter_count(self)


KINDS = {"S0": S0, "S1": S1, "S4": S4, "R1": R1, "R2": R2}


def main_output(output):
    """The finest head."""
    return output[0] if isinstance(output, list) else output


def outputs_target(target, output):
    """The part of the target that valid convolutions leave."""
    return centre(target, main_output(output).shape[2:])


def total_loss(name, output, target, **options):
    """The loss, of R2 nnU-Net's sum: weights 1, 1/2, 1/4, ... and 0 for the coarsest head, over their sum."""
    if not isinstance(output, list):
        return losses.loss(name, output, target, **options)
    weights = [2.0**-level for level in range(len(output) - 1)] + [0.0] if len(output) > 1 else [1.0]
    terms = [
        weight * losses.loss(name, head, nearest(target, head.shape[2:]), **options)
        for weight, head in zip(weights, output)
    ]
    return sum(terms) / sum(weights)
