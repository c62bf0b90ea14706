"""Writing one case of golden values: a .safetensors file with a JSON `case` in its metadata."""

import json
from pathlib import Path

import numpy
from safetensors.numpy import save_file


class CaseWriter:
    """Writes cases below a folder and keeps count of their bytes."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.written = {}

    def write(self, group, name, case, tensors):
        """Writes GROUP/NAME.safetensors; `tensors` maps keys to torch tensors (float64 is rounded to float32,
        except for single numbers and what is already integer)."""
        path = self.folder / group / f"{name}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {key: stored(value) for key, value in tensors.items()}
        for key, array in arrays.items():
            if not numpy.isfinite(array).all():
                raise ValueError(f"{group}/{name}: {key} holds a value that is not finite")
        save_file(arrays, path, metadata={"case": json.dumps(case, separators=(",", ":"))})
        path.chmod(0o644)
        self.written[f"{group}/{name}"] = path.stat().st_size

    @property
    def total_bytes(self):
        return sum(self.written.values())


def stored(value):
    """The array as it goes to the file."""
    array = value.detach().cpu().numpy()
    if array.dtype == numpy.float64 and array.size > 16:
        array = array.astype(numpy.float32)
    return numpy.ascontiguousarray(array)


def backward_case(run, inputs, parameters, generator):
    """Tensors of a case: run(inputs, parameters) in float64 with loss = sum(output * lossWeights) and gradients.

    `inputs` and `parameters` are float32 tensors; keys are `input` (or `input.0`, ...), `parameter.000`, ...,
    `lossWeights`, `output`, `loss`, `gradient.input`, `gradient.parameter.000`, ....
    """
    import torch

    x = [t.double().requires_grad_() for t in inputs]
    p = [t.double().requires_grad_() for t in parameters]
    output = run(x, p)
    weights = torch.randn(output.shape, generator=generator)
    loss = (output * weights.double()).sum()
    loss.backward()
    tensors = {"lossWeights": weights, "output": output, "loss": loss.reshape(1)}
    for i, (given, wanted) in enumerate(zip(inputs, x)):
        suffix = "" if len(inputs) == 1 else f".{i}"
        tensors[f"input{suffix}"] = given
        tensors[f"gradient.input{suffix}"] = wanted.grad
    for i, (given, wanted) in enumerate(zip(parameters, p)):
        tensors[f"parameter.{i:03d}"] = given
        tensors[f"gradient.parameter.{i:03d}"] = wanted.grad
    return tensors
