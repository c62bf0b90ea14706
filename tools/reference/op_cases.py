"""Golden values of single operations: input -> op -> sum(output * weights), with gradients."""

import torch
from torch.nn import functional

import convolution_cases
import geometry_cases
import norm_cases
import pointwise_cases
from draw import drawn
from values_file import backward_case

# Every module has FIXED, a list of (op, name, make(Draw)), and RANDOM, a list of (op, how many, make(Draw)); make
# returns None (draw again) or (case, inputs, parameters, run) and perhaps {"state": ..., "after": function}.
MODULES = [convolution_cases, geometry_cases, norm_cases, pointwise_cases]


# What may follow an operation, so that its output is no network's and no convolution's: also in Operation.swift.
FOLLOWERS = {
    "tanh": torch.tanh,
    "leakyRelu": lambda y: functional.leaky_relu(y, 0.2),
    "upsample": lambda y: functional.interpolate(y, scale_factor=(1.0, 2.0, 1.0), mode="nearest"),
    "instanceNorm": lambda y: functional.instance_norm(y, eps=1e-3),
}
LEAST_VOXELS_OF_NORM, MOST_ELEMENTS = 5, 1000
# How often a random case has a follower.
FOLLOWED = {"concat": 0.6, "concatWithCrop": 0.5, "softmax": 0.6}
USUALLY_FOLLOWED = 0.3


def write_all(writer, seed):
    """Every case of every operation."""
    for module in MODULES:
        for op, name, make in module.FIXED:
            write(writer, seed, op, f"{op}_{name}", make, 0)
        for op, count, make in module.RANDOM:
            for index in range(count):
                write(writer, seed, op, f"{op}_random_{index:02d}", make, FOLLOWED.get(op, USUALLY_FOLLOWED))


def write(writer, seed, op, name, make, probability):
    """One case, drawn until float32 can compute it; with a follower in so many cases."""

    def attempt(draw):
        made = make(draw)
        if made is None:
            return None
        case, inputs, parameters, run, *more = made
        more = more[0] if more else {}
        if draw.chance(probability):
            case, run = followed(draw, case, run, run(inputs, parameters).shape)
        tensors = backward_case(run, inputs, parameters, case.get("training", True))
        if tensors is None:
            return None
        for key, value in more.get("state", {}).items():
            tensors[f"state.{key}"] = value
        for key, value in more.get("after", dict)().items():
            tensors[f"stateAfter.{key}"] = value
        return case, tensors

    case, tensors = drawn(seed, name, attempt)
    writer.add(f"ops/{op}", name, {"op": op, **case}, tensors)


def followed(draw, case, run, shape):
    """The case with a follower that suits an output of that shape."""
    choices = ["tanh", "leakyRelu"]
    if shape[2:].numel() >= LEAST_VOXELS_OF_NORM:
        choices.append("instanceNorm")
    if 2 * shape.numel() <= MOST_ELEMENTS:
        choices.append("upsample")
    then = draw.choice(choices)
    return {**case, "then": then}, lambda x, p: FOLLOWERS[then](run(x, p))
