#!/usr/bin/env python3
"""Compares VoxCL's networks with PyTorch in float64: output, loss, every gradient, the losses of ten steps.

Each has its author's loss and optimizer (authors.py) and a reduced input.

Both start from the same weights, matched by declaration order. An error of a gradient is the norm of the difference
over the layer's largest gradient norm; biases before a norm (exactly 0 in VoxCL) are left out. The start keeps away
from the kinks of activations and pools, where no two roundings agree (see scenes.py). The second number of a row is
PyTorch's own error in float32; with --precision mixed, in float32 with every convolution's output and its gradient
rounded to float16. Exits 1 where an error exceeds the tolerance: 1e-4 in fp32, 1e-2 in mixed. Of ten steps' losses,
also three times the worst that PyTorch loses in float32 from starts a few roundings apart is let pass: Adam turns the
rounding of a near-zero gradient into a whole step.
"""

import argparse
import copy
import json
import math
import sys
import time

import numpy
import torch

import networks
import optimizer_cases
import scenes
import systems
from authors import AUTHORS, NINE, loss_flags, optimizer_flags
from twins import Twin, relative
from voxcl import DEFAULT_BINARY, VoxCL, VoxCLError

CLEAR, STARTS = 1e-4, 60
STEPS_FACTOR, NEIGHBOURS, ROUNDINGS = 3.0, 3, 24
SEARCH_SECONDS = 240  # for a start without values at a kink
# What a start's own gradients may lose in PyTorch's float32, of the tolerance.
SHARE_OF_TOLERANCE = 0.2
TOLERANCES = {"fp32": 1e-4, "mixed": 1e-2}


def main():
    arguments = parse()
    rows = []
    try:
        tool = VoxCL(arguments.voxcl, arguments.device, arguments.timeout)
        for model in arguments.models:
            rows += compare(tool, model, arguments)
            if not arguments.json:
                report([row for row in rows if row["model"] == model], arguments.verbose)
    except VoxCLError as error:
        sys.exit(f"compare_networks: {error}")
    if arguments.json:
        print(json.dumps(rows, indent=1))
    sys.exit(0 if all(row["ok"] for row in rows) else 1)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=NINE, help=f"of {', '.join(AUTHORS)} (default {' '.join(NINE)})")
    parser.add_argument("--voxcl", default=DEFAULT_BINARY, help=f"the binary (default {DEFAULT_BINARY})")
    parser.add_argument("--device", help="VoxCL's device: opencl:0, cpu, ... (default VoxCL's choice)")
    parser.add_argument("--precision", choices=TOLERANCES, default="fp32")
    parser.add_argument("--input", help="N x C x D x H x W of all models, such as 2x1x16x16x24")
    parser.add_argument("--unet3d", default="{}", help="JSON: options of unet3d that names and shapes do not tell")
    parser.add_argument("--learning-rate", type=float, help="instead of the author's")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tolerance", type=float, help="instead of the precision's own")
    parser.add_argument(
        "--allow-rounding", type=float, default=0.0, metavar="FACTOR",
        help="also accept errors up to FACTOR times PyTorch's own at the same precision (default 0: never)",
    )
    parser.add_argument("--timeout", type=float, default=1800, help="seconds for one call of voxcl (default 1800)")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--verbose", action="store_true", help="print every layer, not only the worst")
    arguments = parser.parse_args()
    for model in arguments.models:
        if model not in AUTHORS:
            parser.error(f"no twin of {model!r}, expected some of {', '.join(AUTHORS)}")
    return arguments


def compare(tool, model, arguments):
    """Rows of the table of one model."""
    author, overrides = AUTHORS[model], json.loads(arguments.unet3d)
    settings = dict(author.settings)
    if arguments.learning_rate is not None:
        settings["learningRate"] = arguments.learning_rate
    listed = tool.parameters(model, author.model_options())
    shape = tuple(int(n) for n in arguments.input.split("x")) if arguments.input else author.shape
    tolerance = arguments.tolerance or TOLERANCES[arguments.precision]
    start = well_conditioned(
        lambda n: Start(model, listed, overrides, shape, arguments.seed + n), author, settings, tolerance
    )
    twin, weights = start.twin, start.twin.to_voxcl(start.network.parameters())
    reference = train(start, torch.float64, author, settings, arguments.steps)
    half = arguments.precision == "mixed"
    rough = train(start, torch.float32, author, settings, arguments.steps, half)
    batch = {"input": start.input.numpy(), "target": start.target.numpy()}
    options = ["--precision", arguments.precision, *loss_flags(author.loss_options), *author.step_options]
    options += author.model_options()

    def row(what, error, own, note="", factor=arguments.allow_rounding):
        ok = bool(error <= max(tolerance, factor * own))
        return {"model": model, "what": what, "error": error, "pytorchFloat32Error": own, "ok": ok, "note": note}

    rows = []
    if arguments.precision == "fp32":
        outputs = tool.run(model, batch["input"], weights, author.model_options())
        own = output_error({"output": rough["output"]}, reference["output"])
        rows.append(row("output", output_error(outputs, reference["output"]), own))
    once, _ = tool.step(model, batch, author.loss, weights, options)
    first = float(numpy.asarray(once["loss"]).reshape(-1)[0])
    expected = reference["losses"][0]
    errors = [relative(abs(x - expected), abs(expected)) for x in (first, rough["losses"][0])]
    rows.append(row("loss", *errors, f"{author.loss}: {first:.6f} against {expected:.6f}"))
    rows += gradient_rows(twin, once, reference["gradients"], rough["gradients"], row)
    options += [*optimizer_flags(author.optimizer, settings), "--steps", arguments.steps]
    trained, _ = tool.step(model, batch, author.loss, weights, options)
    found = numpy.asarray(trained["loss"], dtype=numpy.float64).reshape(-1)
    if len(found) != arguments.steps:
        raise VoxCLError(f"{model}: OUT holds {len(found)} losses, expected {arguments.steps}")
    note = f"{author.optimizer}, last {found[-1]:.6f} against {reference['losses'][-1]:.6f}"
    runs = [rough] + [
        train(start, torch.float32, author, settings, arguments.steps, half, n, ROUNDINGS) for n in range(NEIGHBOURS)
    ]
    errors = [largest_error(found, reference["losses"])]
    errors.append(max(largest_error(run["losses"], reference["losses"]) for run in runs))
    factor = max(STEPS_FACTOR, arguments.allow_rounding)
    return rows + [row(f"losses of {arguments.steps} steps", *errors, note, factor)]


def well_conditioned(draw, author, settings, tolerance):
    """Of some starts, those furthest from kinks first, the first at which PyTorch's own float32 gradients, there and a
    few roundings away, are close to float64's; else the best. Where they are not, a value lies so near a kink that no
    two programs agree."""
    best, best_error = None, math.inf
    end = time.monotonic() + SEARCH_SECONDS
    starts = []
    while len(starts) < STARTS and (not starts or time.monotonic() < end - 3 * SEARCH_SECONDS / 4):
        starts.append(draw(len(starts)))
    for start in sorted(starts, key=lambda start: -scenes.margin(start.network, start.input))[:12]:
        if best and time.monotonic() > end:
            break
        exact = train(start, torch.float64, author, settings, 1)["gradients"]
        error = 0.0
        for neighbour in (None, *range(NEIGHBOURS)):
            rough = train(start, torch.float32, author, settings, 1, False, neighbour, ROUNDINGS)["gradients"]
            error = max(error, largest_gradient_error(start.twin, rough, exact))
            if error > SHARE_OF_TOLERANCE * tolerance:
                break
        if error < best_error:
            best, best_error = start, error
        if error <= SHARE_OF_TOLERANCE * tolerance:
            break
    return best


def largest_gradient_error(twin, found, expected):
    """The worst of all layers, each in its largest gradient norm."""
    worst = 0.0
    for indices in twin.layers().values():
        seen = [i for i in indices if i not in twin.hidden]
        scale = max((float(numpy.linalg.norm(expected[i])) for i in seen), default=0)
        worst = max([worst] + [relative(float(numpy.linalg.norm(found[i] - expected[i])), scale) for i in seen])
    return worst


class Start:
    """The twin with random weights of that seed, and a batch."""

    def __init__(self, model, listed, overrides, shape, seed):
        generator = torch.Generator().manual_seed(seed)
        self.twin = Twin(model, listed, overrides)
        self.network = self.twin.network
        networks.randomise(self.network, generator)
        author, outputs = AUTHORS[model], list(self.network.parameters())[-1].numel()
        self.input, target = scenes.scene(shape, 3 if author.channels else outputs, generator)
        with torch.no_grad():
            target = systems.outputs_target(target, copy.deepcopy(self.network)(self.input)).contiguous()
        self.target = scenes.channels_of(target) if author.channels else target
        scenes.clear_activations(self.network, self.input, CLEAR)


class HalfStorage(torch.autograd.Function):
    """Rounds a tensor to float16 and back, and its gradient (scaled up, as a loss scale does) too."""

    SCALE = 65536.0

    @staticmethod
    def forward(_, x):
        return x.half().to(x.dtype)

    @staticmethod
    def backward(_, gradient):
        return (gradient * HalfStorage.SCALE).half().to(gradient.dtype) / HalfStorage.SCALE


def largest_error(values, expected):
    """The largest relative error of a list of numbers."""
    return max(relative(abs(a - b), abs(b)) for a, b in zip(values, expected))


def train(start, precision, author, settings, steps, half=False, neighbour=None, roundings=0):
    """PyTorch's side in that precision: what prediction gives, gradients of the first step, losses of all. With `half`,
    every convolution's output and its gradient pass through float16, as storage in fp16 does. A `neighbour` starts with
    every parameter moved by up to so many roundings."""
    network, image = copy.deepcopy(start.network).to(precision), start.input.to(precision)
    if neighbour is not None:
        generator = torch.Generator().manual_seed(neighbour)
        with torch.no_grad():
            for p in network.parameters():
                p.mul_(1 + 2.0**-23 * torch.randint(-roundings, roundings + 1, p.shape, generator=generator))
    with torch.no_grad():
        result = {"losses": [], "output": systems.main_output(network.eval()(image)).numpy()}
    network.train()
    if half:
        for module in network.modules():
            if isinstance(module, (torch.nn.Conv3d, torch.nn.ConvTranspose3d)):
                module.register_forward_hook(lambda _, __, z: HalfStorage.apply(z))
    optimizer = optimizer_cases.optimizer(author.optimizer, settings, network.parameters())
    for _ in range(steps):
        optimizer.zero_grad()
        loss = systems.total_loss(author.loss, network(image), start.target, **author.loss_options)
        loss.backward()
        for p in network.parameters():  # a head of weight 0
            p.grad = torch.zeros_like(p) if p.grad is None else p.grad
        if "gradients" not in result:
            result["gradients"] = [p.grad.detach().clone().numpy() for p in network.parameters()]
        optimizer.step()
        result["losses"].append(loss.item())
    return result


def output_error(tensors, logits):
    """Error of `voxcl run`'s output against the logits or, where the model ends in one, their softmax or sigmoid."""
    if len(tensors) != 1:
        raise VoxCLError(f"voxcl run wrote {sorted(tensors)}, expected one tensor")
    (found,) = tensors.values()
    if found.shape != logits.shape:
        raise VoxCLError(f"voxcl run wrote shape {found.shape}, expected {logits.shape}")
    exact = torch.from_numpy(logits)
    candidates = [logits, torch.softmax(exact, 1).numpy(), torch.sigmoid(exact).numpy()]
    norm = numpy.linalg.norm
    return min(relative(float(norm(found - e)), float(norm(e))) for e in candidates)


def gradient_rows(twin, tensors, expected, rough, row):
    """One row a layer: the worst of its parameters."""
    found = twin.from_voxcl(tensors, "grad/")
    rows = []
    for layer, indices in twin.layers().items():
        indices = [i for i in indices if i not in twin.hidden]
        if not indices:
            continue
        scale = max(float(numpy.linalg.norm(expected[i])) for i in indices)
        own = max(relative(float(numpy.linalg.norm(rough[i] - expected[i])), scale) for i in indices)
        worst, name = 0.0, twin.names[indices[0]]
        for i in indices:
            if found[i] is None:
                raise VoxCLError(f"OUT has no grad/{twin.names[i]}")
            if found[i].shape != expected[i].shape:
                raise VoxCLError(f"grad/{twin.names[i]} has shape {found[i].shape}, expected {expected[i].shape}")
            error = relative(float(numpy.linalg.norm(found[i] - expected[i])), scale)
            if error > worst:
                worst, name = error, twin.names[i]
        rows.append(row(f"gradient {layer}", worst, own, f"norm {scale:.2e}, worst in {name.rpartition('/')[2]}"))
    return rows


def report(rows, verbose):
    """The table of one model: everything that fails, the worst gradient, and the rest with --verbose."""
    print(f"{'':4} {'model':8} {'what':44} {'VoxCL':8}  PyTorch in fp32 (mixed: with fp16 storage)")
    gradients = [r for r in rows if r["what"].startswith("gradient")]
    worst = max(gradients, key=lambda r: r["error"])
    for r in rows:
        if verbose or not r["ok"] or r is worst or r not in gradients:
            mark = "ok  " if r["ok"] else "FAIL"
            errors = f"{r['error']:.2e}  {r['pytorchFloat32Error']:.2e}"
            print(f"{mark} {r['model']:8} {r['what']:44} {errors}  {r['note']}")
    failures = sum(not r["ok"] for r in rows)
    print(f"     {rows[0]['model']}: {len(gradients)} layers, {failures} failures", flush=True)


if __name__ == "__main__":
    main()
