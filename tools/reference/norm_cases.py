"""Norms: instance, batch (training and prediction), group, layer, and batch renorm."""

import torch
from torch.nn import functional

MOST_ELEMENTS, LEAST_VOXELS = 900, 5

# name, batch, channels, extent, mean, standard deviation of the input
CORNERS = [
    ("wide", 2, 17, (3, 2, 7), 0.5, 2.0),
    ("one_channel", 1, 1, (5, 7, 11), 0.0, 1.0),
    ("few_voxels", 2, 37, (1, 1, 5), 0.0, 1.0),
    ("far_mean", 1, 3, (3, 5, 13), 30.0, 1.0),
]


def start(d, spec=None):
    """The input, its moments and its number of channels."""
    if spec is None:
        n, c, extent = d.shape(MOST_ELEMENTS, LEAST_VOXELS)
        mean, deviation = d.rounded(-2, 2), d.rounded(0.3, 3)
    else:
        n, c, extent, mean, deviation = spec
    return mean + deviation * d.normal(n, c, *extent), mean, deviation, c


def affine(d, c):
    return [1 + 0.3 * d.normal(c), 0.5 * d.normal(c)]


def epsilon(d):
    return d.choice([1e-5, 1e-3, 1e-6, 1e-2])


def instance(d, spec=None):
    x, _, _, c = start(d, spec)
    eps, has_affine = (1e-5, True) if spec else (epsilon(d), d.chance(0.7))
    parameters = affine(d, c) if has_affine else []

    def run(inputs, p):
        weight, bias = p or (None, None)
        return functional.instance_norm(inputs[0], weight=weight, bias=bias, eps=eps)

    return {"epsilon": eps, "affine": has_affine}, [x], parameters, run


def group(d, layer=False):
    x, _, _, c = start(d)
    divisors = [g for g in range(1, c + 1) if c % g == 0]
    groups, eps, has_affine = (1 if layer else d.choice(divisors)), epsilon(d), d.chance(0.7)
    parameters = affine(d, c) if has_affine else []

    def run(inputs, p):
        weight, bias = p or (None, None)
        return functional.group_norm(inputs[0], groups, weight, bias, eps)

    return {"epsilon": eps, "affine": has_affine, "groups": groups}, [x], parameters, run


def batch(d, training, spec=None):
    x, mean, deviation, c = start(d, spec)
    eps, has_affine, momentum = (1e-5, True, 0.1) if spec else (epsilon(d), d.chance(0.7), d.rounded(0, 1, 2))
    parameters = affine(d, c) if has_affine else []
    running = {"runningMean": mean + 0.1 * d.normal(c), "runningVariance": deviation**2 * (0.5 + d.uniform(c))}
    after = {}

    def run(inputs, p):
        weight, bias = p or (None, None)
        now = [running[key].clone().to(inputs[0].dtype) for key in running]
        y = functional.batch_norm(inputs[0], *now, weight, bias, training, momentum, eps)
        if training and inputs[0].dtype == torch.float64:
            after.update(zip(running, now))
        return y

    case = {"epsilon": eps, "affine": has_affine, "momentum": momentum, "training": training}
    return case, [x], parameters, run, {"state": running, "after": lambda: after}


def renorm(d, training):
    """Batch renormalisation (Ioffe 2017), Algorithm 1; no gradient flows through r and d."""
    x, mean, deviation, c = start(d)
    eps, has_affine, momentum = epsilon(d), d.chance(0.7), d.rounded(0, 1, 2)
    parameters = affine(d, c) if has_affine else []
    r_max, d_max = d.choice([(1.0, 0.0), (1.25, 1.0), (1.5, 2.0), (3.0, 5.0)])
    # Far enough from the batch's that both limits are met by some channels and not by others.
    running = {
        "runningMean": mean + deviation * d.normal(c),
        "runningDeviation": deviation * torch.exp(0.5 * d.normal(c)),
    }
    after = {}

    def run(inputs, p):
        z = inputs[0]
        of_channel = lambda t: t.to(z.dtype).view(1, -1, 1, 1, 1)
        gamma, beta = (of_channel(t) for t in p) if p else (1, 0)
        mu, sigma = (of_channel(t) for t in running.values())
        if not training:
            return gamma * (z - mu) / sigma + beta
        mu_b = z.mean((0, 2, 3, 4), keepdim=True)
        sigma_b = ((z - mu_b).square().mean((0, 2, 3, 4), keepdim=True) + eps).sqrt()
        r = (sigma_b / sigma).clamp(1 / r_max, r_max).detach()
        shift = ((mu_b - mu) / sigma).clamp(-d_max, d_max).detach()
        if z.dtype == torch.float64:
            moved = [old + momentum * (new.detach() - old) for old, new in ((mu, mu_b), (sigma, sigma_b))]
            after.update(zip(running, (t.flatten() for t in moved)))
        return gamma * ((z - mu_b) / sigma_b * r + shift) + beta

    case = {
        "epsilon": eps, "affine": has_affine, "momentum": momentum, "training": training, "rMax": r_max, "dMax": d_max,
    }
    return case, [x], parameters, run, {"state": running, "after": lambda: after}


def fixed(make, *arguments):
    return lambda d: make(d, *arguments)


FIXED = [("instanceNorm", name, fixed(instance, spec)) for name, *spec in CORNERS] + [
    ("batchNorm", f"{'train' if training else 'eval'}_{name}", fixed(batch, training, spec))
    for training in (True, False) for name, *spec in CORNERS
]
RANDOM = [
    ("instanceNorm", 10, instance), ("groupNorm", 12, group), ("layerNorm", 5, fixed(group, True)),
    ("batchNorm", 10, lambda d: batch(d, d.chance(0.75))), ("batchRenorm", 16, lambda d: renorm(d, d.chance(0.8))),
]
