"""Golden values of optimizers: ten steps on given gradients."""

import torch

STEPS = 10
ELEMENTS = 37


def write_all(writer, g):
    """Adam (coupled decay), AdamW (decoupled) and SGD with Nesterov momentum, with and without decay."""
    moments = {"beta1": 0.9, "beta2": 0.999}
    adam = {**moments, "epsilon": 1e-8}
    sgd = {"momentum": 0.9, "nesterov": True}
    plain = {"learningRate": 1e-2, "weightDecay": 0.0, "coupled": True}
    decayed = {**plain, "weightDecay": 0.1}
    cases = [
        ("adam", "adam", {**plain, **adam}),
        ("adam_decay", "adam", {**decayed, **adam}),
        ("adam_epsilon", "adam", {**plain, **moments, "epsilon": 1e-3}),
        ("adamw", "adam", {**decayed, **adam, "coupled": False}),
        ("sgd_nesterov", "sgd", {**plain, **sgd}),
        ("sgd_nesterov_decay", "sgd", {**decayed, **sgd}),
        ("sgd_plain", "sgd", {**plain, "momentum": 0.0, "nesterov": False}),
    ]
    for name, op, options in cases:
        start = torch.randn(ELEMENTS, generator=g)
        # Magnitudes from 1e-7 to 1: where epsilon matters, and where it does not.
        size = 10 ** (-7 * torch.rand(ELEMENTS, generator=g))
        gradients = torch.randn(STEPS, ELEMENTS, generator=g) * size
        values, state = run(op, options, start.double(), gradients.double())
        case = {"op": op, "steps": STEPS, "elements": ELEMENTS, **options}
        tensors = {"parameter": start, "gradients": gradients, "parameterAfterStep": values, **state}
        writer.write("optimizers", name, case, tensors)


def optimizer(op, options, parameters):
    """The PyTorch optimizer of these options."""
    lr, decay = options["learningRate"], options["weightDecay"]
    if op == "sgd":
        return torch.optim.SGD(
            parameters, lr, momentum=options["momentum"], nesterov=options["nesterov"], weight_decay=decay
        )
    kind = torch.optim.Adam if options["coupled"] else torch.optim.AdamW
    betas = (options["beta1"], options["beta2"])
    return kind(parameters, lr, betas=betas, eps=options["epsilon"], weight_decay=decay)


def run(op, options, start, gradients):
    """Parameters after each step (steps x elements) and the state after the last."""
    p = start.clone().requires_grad_()
    opt = optimizer(op, options, [p])
    values = []
    for gradient in gradients:
        p.grad = gradient
        opt.step()
        values.append(p.detach().clone())
    names = {"exp_avg": "state.mean", "exp_avg_sq": "state.variance", "momentum_buffer": "state.momentum"}
    state = {names[k]: v for k, v in opt.state[p].items() if k in names and v is not None}
    return torch.stack(values), state
