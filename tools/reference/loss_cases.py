"""Golden values of losses: the loss of given logits and targets, and its gradient."""

import math

import torch

import losses
from draw import drawn
from values_file import distance

MOST_ELEMENTS = 500
# How many draws of each loss; the first of each has its defaults.
COUNTS = {
    "cross-entropy": 7, "dice": 10, "dice-ce": 6, "bce": 3, "dice-bce": 4, "jaccard": 4, "squared-dice": 5,
    "generalised-dice": 5, "tversky": 6, "soft-jaccard": 4, "focal": 5, "focal-bce": 4, "clipped-cce": 4,
    "softmax-twice": 3, "dice-softmax-twice": 3, "weighted-ce": 4, "linear": 3,
}
# Options in our words and in VoxCL's.
WORDS = {
    "epsilon": "epsilon", "alpha": "alpha", "beta": "beta", "gamma": "gamma", "squared": "squared",
    "background": "background", "batch": "batch", "factor": "lambda", "region_weight": "regionWeight",
    "weights": "classWeights", "ignore": "ignoreLabel", "mean_over_voxels": "meanOverVoxels",
}


def write_all(writer, seed):
    """Every loss, with random options, shapes and targets."""
    for name, count in COUNTS.items():
        for index in range(count):
            case, tensors = drawn(seed, f"losses/{name}/{index}", lambda d: make(d, name, index > 0))
            writer.add(f"losses/{name}", f"{name}_{index:02d}", case, tensors)


def random_options(d, name, classes):
    """Some of the options that concern this loss."""
    chosen, options = losses.NAMED[name], {}
    sigmoid = chosen.get("sigmoid", False)
    if "region" in chosen:
        options["epsilon"] = d.choice([1e-5, 1e-6, 0.1, 1.0, 100.0])
        options["background"] = classes < 2 or d.chance(0.5)
        options["batch"] = d.chance(0.5)
        if chosen["region"] == "tversky":
            options["alpha"], options["beta"] = d.rounded(0.1, 0.9), d.rounded(0.1, 0.9)
        if chosen["region"] in ("dice", "jaccard") and d.chance(0.3):
            options["squared"] = True
        if d.chance(0.3):
            options["region_weight"] = d.rounded(0.2, 2)
    if "entropy" in chosen:
        if "region" in chosen or d.chance(0.2):
            options["factor"] = d.rounded(0.1, 2)
        if chosen["entropy"] == "focal":
            options["gamma"] = d.choice([0.5, 1.0, 1.5, 2.0, 3.0])
        if not sigmoid and d.chance(0.6):
            options["weights"] = [d.rounded(0.2, 7) for _ in range(classes)]
        if not sigmoid and d.chance(0.2):
            options["mean_over_voxels"] = True
    if not sigmoid and d.chance(0.4):
        options["ignore"] = d.choice([-1, 255, 0])
    return options


def make(d, name, is_free):
    """A case; None where float32 cannot compute it or it is too large."""
    n, _, extent = d.shape(MOST_ELEMENTS, 6)
    classes = d.integer(1 if losses.NAMED[name].get("sigmoid") else 2, d.choice([3, 6, 20]))
    voxels = math.prod(extent)
    if n * classes * voxels > MOST_ELEMENTS or voxels < 2:
        return None
    options = random_options(d, name, classes) if is_free else {}
    # Wide logits reach both ends of p, and the clips.
    logits = d.choice([1.0, 3.0, 8.0]) * d.normal(n, classes, *extent)
    if losses.NAMED[name].get("sigmoid"):
        target = (d.uniform(*logits.shape) < 0.3).float()
        if d.chance(0.3):
            target = (d.uniform(*logits.shape) * 8).round() / 8  # soft labels
        if name == "linear":
            target = d.normal(*logits.shape)
    else:
        target = d.classes(classes, (n, *extent))
        if d.chance(0.5):
            target[0][target[0] == classes - 1] = 0  # a class that one sample does not have
        target[d.uniform(*target.shape) < d.choice([0.0, 0.2])] = options.get("ignore", -1)
        if not ((target >= 0) & (target != options.get("ignore"))).any():
            return None
    exact, rough = (run(name, logits, target, options, t) for t in (torch.float64, torch.float32))
    if distance(rough[0], exact[0]) > 3e-6 or distance(rough[1], exact[1]) > 2e-5:
        return None
    case = {"op": name, **{WORDS[key]: value for key, value in options.items()}}
    return case, {"input": logits, "target": target, "loss": exact[0], "gradient.input": exact[1]}


def run(name, logits, target, options, dtype):
    """Loss and gradient in that precision."""
    x = logits.to(dtype).requires_grad_()
    value = losses.loss(name, x, target, **options)
    value.backward()
    return value.detach().reshape(1), x.grad
