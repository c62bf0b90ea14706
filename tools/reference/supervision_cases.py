"""Golden values of deep supervision: a small network with three heads, whose losses are summed with weights."""

import torch
from torch.nn import functional

import losses
from draw import drawn
from values_file import distance

CASES = 8
LOSSES = ["cross-entropy", "dice", "dice-ce", "bce", "dice-bce", "weighted-ce", "dice-softmax-twice", "focal"]


def write_all(writer, seed):
    for index, name in enumerate(LOSSES[:CASES]):
        case, tensors = drawn(seed, f"supervision/{index}", lambda d: make(d, name))
        writer.add("supervision/threeHeads", f"{name}_{index}", case, tensors)


def make(d, name):
    """Levels 0 to 2 of widths and factors; convolution, silu and an average pool, where nothing has a kink."""
    n, classes = d.integer(1, 2), d.integer(2, 4)
    widths, factors = [d.integer(2, 9) for _ in range(3)], [d.axes([1, 2, 2, 3]) for _ in range(2)]
    coarsest = d.axes([1, 1, 2, 3])
    extent = tuple(c * a * b for c, a, b in zip(coarsest, *factors))
    if n * extent[0] * extent[1] * extent[2] > 500 or coarsest == (1, 1, 1):
        return None
    weights = [d.rounded(0.3, 1), d.rounded(0.1, 0.6), d.choice([0.0, d.rounded(0.1, 0.3)])]
    options = {"background": False, "batch": True} if "region" in losses.NAMED[name] and d.chance(0.5) else {}
    x, parameters = d.normal(n, 1, *extent), []
    before = 1
    for width in widths:
        parameters += [d.normal(width, before, 3, 3, 3) * (27 * before) ** -0.5, 0.3 * d.normal(width)]
        before = width
    for width in reversed(widths):  # heads, coarsest first
        parameters += [d.normal(classes, width, 1, 1, 1) * width**-0.5, 0.3 * d.normal(classes)]
    if losses.NAMED[name].get("sigmoid"):
        target = (d.uniform(n, classes, *extent) < 0.4).float()
    else:
        target = d.classes(classes, (n, *extent))
    exact, rough = (
        run(name, x, parameters, target, factors, weights, options, t) for t in (torch.float64, torch.float32)
    )
    scale = max(g.norm() for g in exact[1])
    if distance(rough[0], exact[0]) > 3e-6 or any(distance(a, b, scale) > 2e-5 for a, b in zip(rough[1], exact[1])):
        return None
    case = {
        "op": name, **options, "classes": classes, "widths": widths, "factors": [list(f) for f in factors],
        "weights": weights,
    }
    tensors = {"input": x, "target": target, "loss": exact[0]}
    for i, (parameter, gradient) in enumerate(zip(parameters, exact[1])):
        tensors[f"parameter.{i:03d}"], tensors[f"gradient.parameter.{i:03d}"] = parameter, gradient
    return case, tensors


def run(name, x, parameters, target, factors, weights, options, dtype):
    """The sum of the losses and the parameters' gradients."""
    p = [t.to(dtype).requires_grad_() for t in parameters]
    levels, z = [], x.to(dtype)
    for level in range(3):
        z = z if level == 0 else functional.avg_pool3d(z, factors[level - 1])
        z = functional.silu(functional.conv3d(z, p[2 * level], p[2 * level + 1], padding=1))
        levels.append(z)
    total = 0
    for level in range(3):
        head = 6 + 2 * (2 - level)
        logits = functional.conv3d(levels[level], p[head], p[head + 1])
        total = total + weights[level] * losses.loss(name, logits, nearest(target, logits.shape[2:]), **options)
    total.backward()
    return total.detach().reshape(1), [t.grad if t.grad is not None else torch.zeros_like(t) for t in p]


def nearest(target, size):
    """The target at the voxels nearest to those of a coarser head: index floor((i + 1/2) * factor)."""
    for axis, out in zip((-3, -2, -1), size):
        factor = target.shape[axis] // out
        places = torch.tensor([int((i + 0.5) * factor) for i in range(out)])
        target = target.index_select(target.ndim + axis, places)
    return target
