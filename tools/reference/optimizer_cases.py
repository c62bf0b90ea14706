"""Golden values of optimizers: ten steps on given gradients."""

import torch

from draw import drawn

STEPS = 10
KINDS = ["sgd", "momentum", "nesterov", "adam", "adamKeras", "adamw"]
CASES_OF_A_KIND = 6


def write_all(writer, seed):
    """Every optimizer with random numbers; every other one clips the gradient's norm in about half of its steps."""
    for kind in KINDS:
        for index in range(CASES_OF_A_KIND):
            case, tensors = drawn(seed, f"optimizers/{kind}/{index}", lambda d: make(d, kind, index))
            writer.add(f"optimizers/{kind}", f"{kind}_{index}", case, tensors)


def make(d, kind, index):
    elements, clips = d.integer(1, 37), index % 2 == 1
    options = {
        "learningRate": d.power_of_ten(-4, -1), "weightDecay": d.power_of_ten(-4, -1) if index >= 2 else 0.0,
        "clipNorm": 0.0,
    }
    if kind.startswith("adam"):
        options.update(beta1=d.choice([0.9, d.rounded(0.5, 0.99)]), beta2=d.choice([0.999, d.rounded(0.9, 0.999)]))
        options["epsilon"] = d.choice([1e-8, 1e-7, 1e-3])
    else:
        options["momentum"] = 0.0 if kind == "sgd" else d.choice([0.9, 0.99, d.rounded(0.3, 0.95)])
    start = d.normal(elements)
    # Magnitudes from 1e-7 to 1: where epsilon matters, and where it does not.
    gradients = d.normal(STEPS, elements) * 10 ** (-7 * d.uniform(elements))
    if clips:
        gradients[:, 0] += 0.5
        options["clipNorm"] = float(f"{gradients.double().norm(dim=1).median():.3g}")
    values, state = run(kind, options, start.double(), gradients.double())
    case = {"op": kind, "steps": STEPS, "elements": elements, **options}
    return case, {"parameter": start, "gradients": gradients, "parameterAfterStep": values, **state}


class AdamKeras(torch.optim.Optimizer):
    """Adam with epsilon where Keras has it, p <- p - lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + eps), and PyTorch's
    coupled decay."""

    def __init__(self, parameters, lr, betas, eps, weight_decay=0.0):
        super().__init__(parameters, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            (b1, b2), eps = group["betas"], group["eps"]
            for p in group["params"]:
                state = self.state[p]
                if not state:
                    state.update(step=0, exp_avg=torch.zeros_like(p), exp_avg_sq=torch.zeros_like(p))
                state["step"] += 1
                g, m, v, t = p.grad + group["weight_decay"] * p, state["exp_avg"], state["exp_avg_sq"], state["step"]
                m.mul_(b1).add_(g, alpha=1 - b1)
                v.mul_(b2).addcmul_(g, g, value=1 - b2)
                rate = group["lr"] * (1 - b2**t) ** 0.5 / (1 - b1**t)
                p.sub_(rate * m / (v.sqrt() + eps))


def optimizer(kind, options, parameters):
    """The PyTorch optimizer of these options."""
    lr, decay = options["learningRate"], options["weightDecay"]
    if kind in ("sgd", "momentum", "nesterov"):
        return torch.optim.SGD(
            parameters, lr, momentum=options["momentum"], nesterov=kind == "nesterov", weight_decay=decay
        )
    make = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "adamKeras": AdamKeras}[kind]
    return make(
        parameters, lr=lr, betas=(options["beta1"], options["beta2"]), eps=options["epsilon"], weight_decay=decay
    )


def run(kind, options, start, gradients):
    """Parameters after each step (steps x elements) and the state after the last."""
    p = start.clone().requires_grad_()
    opt = optimizer(kind, options, [p])
    values = []
    for gradient in gradients:
        p.grad = gradient.clone()
        if options["clipNorm"] > 0:
            torch.nn.utils.clip_grad_norm_([p], options["clipNorm"])
        opt.step()
        values.append(p.detach().clone())
    names = {"exp_avg": "state.mean", "exp_avg_sq": "state.variance", "momentum_buffer": "state.momentum"}
    state = {names[k]: v for k, v in opt.state[p].items() if k in names and v is not None}
    return torch.stack(values), state
