"""VoxCL's losses in PyTorch: from logits (N x C x D x H x W) and targets to one number."""

import torch
from torch.nn import functional

# Names and what they choose, as `voxcl step --help` has it; a region term plus a factor times an entropy term.
NAMED = {
    "cross-entropy": dict(entropy="plain"),
    "dice": dict(region="dice"),
    "dice-ce": dict(region="dice", entropy="plain"),
    "bce": dict(sigmoid=True, entropy="plain"),
    "dice-bce": dict(sigmoid=True, region="dice", entropy="plain"),
    "jaccard": dict(sigmoid=True, region="jaccard", region_weight=100.0, epsilon=100.0, batch=True),
    "squared-dice": dict(region="dice", squared=True),
    "generalised-dice": dict(region="generalised"),
    "tversky": dict(region="tversky"),
    "soft-jaccard": dict(region="jaccard"),
    "focal": dict(entropy="focal"),
    "focal-bce": dict(sigmoid=True, entropy="focal"),
    "clipped-cce": dict(entropy="clipped", mean_over_voxels=True),
    "softmax-twice": dict(entropy="twice"),
    "dice-softmax-twice": dict(region="dice", entropy="twice", factor=0.2),
    "weighted-ce": dict(entropy="plain", mean_over_voxels=True),
    "linear": dict(sigmoid=True, entropy="linear"),
}


def loss(name, logits, target, **options):
    """The loss of that name; `options` change what NAMED chooses."""
    chosen = {**NAMED[name], **options}
    value = logits.new_zeros(())
    if "region" in chosen:
        value = value + chosen.pop("region_weight", 1.0) * region(logits, target, **chosen)
    if "entropy" in chosen:
        value = value + chosen.pop("factor", 1.0) * entropy(logits, target, **chosen)
    return value


def one_hot(target, classes, ignore, dtype):
    """y as N x C x D x H x W, and which voxels count as N x 1 x D x H x W."""
    counts = target >= 0
    if ignore is not None:
        counts = counts & (target != ignore)
    y = functional.one_hot(torch.where(counts, target, 0).long(), classes).movedim(-1, 1).to(dtype)
    counts = counts.unsqueeze(1).to(dtype)
    return y * counts, counts


def region(
    logits, target, region, sigmoid=False, epsilon=1e-5, alpha=0.5, beta=0.5, squared=False, background=True,
    batch=False, ignore=None, **_,
):
    """1 - an overlap of y and p; sums over the voxels that count, of each sample or (`batch`) of all."""
    if sigmoid:
        p, y = torch.sigmoid(logits), target.to(logits.dtype)
    else:
        y, counts = one_hot(target, logits.shape[1], ignore, logits.dtype)
        p = torch.softmax(logits, 1) * counts
    if not background:
        p, y = p[:, 1:], y[:, 1:]
    total = lambda t: t.sum((0, 2, 3, 4) if batch else (2, 3, 4))
    both, predicted, present = total(p * y), total(p), total(y)
    if squared:
        predicted, present = total(p * p), total(y * y)
    if region == "dice":
        return 1 - ((2 * both + epsilon) / (predicted + present + epsilon)).mean()
    if region == "jaccard":
        return 1 - ((both + epsilon) / (predicted + present - both + epsilon)).mean()
    if region == "tversky":
        below = both + alpha * (predicted - both) + beta * (present - both) + epsilon
        return 1 - ((both + epsilon) / below).mean()
    if region == "generalised":  # absent classes get the largest weight of the others, as in MONAI
        weight = torch.where(present > 0, present.clamp(min=1e-30) ** -2, 0)
        weight = torch.where(present > 0, weight, weight.amax(-1, keepdim=True))
        above, below = (2 * weight * both).sum(-1), (weight * (predicted + present)).sum(-1)
        return 1 - ((above + epsilon) / (below + epsilon)).mean()
    raise ValueError(f"region is {region!r}")


def entropy(
    logits, target, entropy, sigmoid=False, gamma=2.0, clip=1e-7, weights=None, ignore=None, mean_over_voxels=False,
    **_,
):
    """Mean of an entropy over elements (sigmoid), or weighted by the classes over the voxels that count."""
    if sigmoid:
        y, no, yes = target.to(logits.dtype), functional.logsigmoid(-logits), functional.logsigmoid(logits)
        if entropy == "linear":
            return (y * logits).mean()
        if entropy == "plain":
            return -(y * yes + (1 - y) * no).mean()
        if entropy == "focal":
            p = torch.sigmoid(logits)
            return -(y * (1 - p) ** gamma * yes + (1 - y) * p**gamma * no).mean()
        raise ValueError(f"entropy is {entropy!r}")
    y, counts = one_hot(target, logits.shape[1], ignore, logits.dtype)
    logarithm = torch.log_softmax(logits, 1)
    if entropy == "plain":
        term = -logarithm
    elif entropy == "focal":
        term = -((1 - torch.softmax(logits, 1)) ** gamma) * logarithm
    elif entropy == "clipped":
        term = -torch.log(torch.softmax(logits, 1).clamp(clip, 1 - clip))
    elif entropy == "twice":
        term = -torch.log_softmax(torch.softmax(logits, 1), 1)
    else:
        raise ValueError(f"entropy is {entropy!r}")
    w = torch.ones(logits.shape[1]) if weights is None else torch.as_tensor(weights)
    w = w.to(logits.dtype).view(1, -1, 1, 1, 1)
    return (w * y * term).sum() / (counts.sum() if mean_over_voxels else (w * y).sum())
