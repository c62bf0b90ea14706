"""Writing golden values: .safetensors files of several cases each, whose metadata lists them as JSON `cases`."""

import json
from pathlib import Path

import numpy
import torch
from safetensors.numpy import save_file

# What PyTorch itself may lose in float32: beyond it, no program could keep the tests' 1e-5 and 1e-4.
FORWARD_IN_FLOAT32, GRADIENT_IN_FLOAT32 = 1.5e-6, 1.5e-5


class CaseWriter:
    """Collects cases by file and keeps count of bytes."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.cases, self.tensors, self.written = {}, {}, {}

    def add(self, file, name, case, tensors):
        """A case of `file` (GROUP/FILE); `tensors` maps keys to torch tensors (float64 is rounded to float32, except
        for single numbers and what is already integer)."""
        arrays = {key: stored(value) for key, value in tensors.items()}
        for key, array in arrays.items():
            if not numpy.isfinite(array).all():
                raise ValueError(f"{file}/{name}: {key} holds a value that is not finite")
        if any(other["name"] == name for other in self.cases.setdefault(file, [])):
            raise ValueError(f"{file}: two cases are named {name}")
        self.cases[file].append({"name": name, **case})
        self.tensors.setdefault(file, {}).update({f"{name}/{key}": array for key, array in arrays.items()})

    def save(self):
        for file, cases in self.cases.items():
            path = self.folder / f"{file}.safetensors"
            path.parent.mkdir(parents=True, exist_ok=True)
            save_file(self.tensors[file], path, metadata={"cases": json.dumps(cases, separators=(",", ":"))})
            path.chmod(0o644)
            self.written[file] = path.stat().st_size

    @property
    def count(self):
        return sum(len(cases) for cases in self.cases.values())

    @property
    def total_bytes(self):
        return sum(self.written.values())


def stored(value):
    """The array as it goes to the file."""
    array = value.detach().cpu().numpy()
    if array.dtype == numpy.float64 and array.size > 16:
        array = array.astype(numpy.float32)
    return numpy.ascontiguousarray(array)


def loss_weights(shape):
    """Weights of the outputs' sum, -1 to -1/4096: a hash of the element's index that the tests compute too, so that no
    file holds them (Murmur3's finaliser). Negative, because the tests' targets sigmoid(y) - w must not be."""
    h = numpy.arange(1, int(numpy.prod(shape)) + 1, dtype=numpy.uint32)
    with numpy.errstate(over="ignore"):
        h = (h ^ (h >> 16)) * numpy.uint32(0x85EBCA6B)
        h = (h ^ (h >> 13)) * numpy.uint32(0xC2B2AE35)
        h = h ^ (h >> 16)
    return torch.from_numpy(-((h >> 20).astype(numpy.float64) + 1) / 4096).reshape(shape)


def backward_case(run, inputs, parameters, differentiates=True):
    """Tensors of a case: run(inputs, parameters) in float64 with loss = sum(output * loss_weights) and gradients; None
    where float32 is too far from it.

    `inputs` and `parameters` are float32 tensors; keys are `input` (or `input.0`, ...), `parameter.000`, ...,
    `output`, `gradient.input`, `gradient.parameter.000`, ....
    """
    exact, rough = (run_in(dtype, run, inputs, parameters, differentiates) for dtype in (torch.float64, torch.float32))
    if distance(rough[0], exact[0]) > FORWARD_IN_FLOAT32:
        return None
    for group in (1, 2) if differentiates else ():
        scale = max((g.norm() for g in exact[group]), default=0)
        for a, b in zip(rough[group], exact[group]):
            if distance(a, b, scale if group == 2 else 0) > GRADIENT_IN_FLOAT32:
                return None
    tensors = {"output": exact[0]}
    for i, given in enumerate(inputs):
        suffix = "" if len(inputs) == 1 else f".{i}"
        tensors[f"input{suffix}"] = given
        if differentiates:
            tensors[f"gradient.input{suffix}"] = exact[1][i]
    for i, given in enumerate(parameters):
        tensors[f"parameter.{i:03d}"] = given
        if differentiates:
            tensors[f"gradient.parameter.{i:03d}"] = exact[2][i]
    return tensors


def run_in(dtype, run, inputs, parameters, differentiates):
    """Output, gradients of the inputs and of the parameters, in that precision."""
    x = [t.to(dtype).requires_grad_() for t in inputs]
    p = [t.to(dtype).requires_grad_() for t in parameters]
    output = run(x, p)
    if differentiates:
        (output * loss_weights(output.shape).to(dtype)).sum().backward()
    return output.detach(), [t.grad for t in x], [t.grad for t in p]


def distance(rough, exact, scale=0):
    """Norm of the difference over that of what is expected, or over `scale`."""
    size = max(float(exact.norm()), float(scale))
    error = float((rough.double() - exact.double()).norm())
    return 0.0 if error == 0 else error / size if size > 0 else float("inf")
