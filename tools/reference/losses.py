"""VoxCL's losses in PyTorch: from logits (N x C x D x H x W) and targets to one number."""

import torch
from torch.nn import functional

DICE_EPSILON = 1e-5


def cross_entropy(logits, target, weights=None, ignore=None):
    """Mean over the voxels that count of -w[y] log softmax(logits)[y], divided by the sum of w[y]."""
    weights = None if weights is None else torch.as_tensor(weights, dtype=logits.dtype)
    ignore = -100 if ignore is None else ignore
    return functional.cross_entropy(logits, target.long(), weight=weights, ignore_index=ignore)


def dice(logits, target, background=True, batch=False, ignore=None):
    """1 - mean over classes (and samples, unless `batch`) of (2 sum(y p) + eps) / (sum y + sum p + eps),
    p = softmax(logits), sums over the voxels that count."""
    p = torch.softmax(logits, 1)
    counts = torch.ones_like(target, dtype=torch.bool) if ignore is None else target != ignore
    y = functional.one_hot(torch.where(counts, target, 0).long(), p.shape[1]).movedim(-1, 1).to(p.dtype)
    mask = counts.unsqueeze(1).to(p.dtype)
    p, y = p * mask, y * mask
    axes = (0, 2, 3, 4) if batch else (2, 3, 4)
    overlap, total = (y * p).sum(axes), y.sum(axes) + p.sum(axes)
    score = (2 * overlap + DICE_EPSILON) / (total + DICE_EPSILON)
    return 1 - (score if background else score[..., 1:]).mean()


def dice_cross_entropy(logits, target, factor=1.0, weights=None, ignore=None, **options):
    """dice + factor * cross-entropy."""
    return dice(logits, target, ignore=ignore, **options) + factor * cross_entropy(logits, target, weights, ignore)


def binary_cross_entropy(logits, target):
    """Mean over all elements of the binary cross-entropy of sigmoid(logits); float targets in 0 ... 1."""
    return functional.binary_cross_entropy_with_logits(logits, target.to(logits.dtype))


LOSSES = {
    "cross-entropy": cross_entropy,
    "dice": dice,
    "dice-ce": dice_cross_entropy,
    "bce": binary_cross_entropy,
}
