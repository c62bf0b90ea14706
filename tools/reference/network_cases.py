"""Golden values of whole networks, small ones: logits, loss, gradients and ten training steps."""

import copy

import torch

import networks
import scenes
import systems
from loss_cases import WORDS
from values_file import distance

STEPS = 10
LEARNING_RATE = 5e-5  # small: Adam turns the rounding of a near-zero gradient into a whole step
LARGEST_STORED_GRADIENT = 1000
STARTS, ATTEMPTS = 12, 20
CLEAR, MARGIN = 5e-5, 1e-5  # distance from kinks that nudged biases reach; that a start must have

# name, model, options, input shape, logits' stride per axis, loss, its options where it has any
CASES = [
    (
        "unet3d_instance", "unet3d",
        dict(widths=[4, 8, 16], classes=3, norm="instance", activation="leakyReLU"),
        (2, 1, 8, 4, 12), (1, 1, 1), "cross-entropy",
    ),
    (
        "unet3d_batch_residual", "unet3d",
        dict(widths=[4, 8, 16], classes=2, inputChannels=2, norm="batch", activation="relu",
             down="strided", up="trilinear", residual=True),
        (2, 2, 8, 4, 12), (1, 1, 1), "dice-ce",
    ),
    (
        "unet3d_anisotropic", "unet3d",
        dict(widths=[3, 7, 17], classes=3, norm="none", activation="relu",
             kernels=[[1, 3, 3], [3, 3, 3], [3, 3, 3]], factors=[[1, 2, 2], [2, 2, 2]]),
        (1, 1, 6, 4, 12), (1, 1, 1), "cross-entropy",
    ),
    ("S2", "S2", dict(base=3), (1, 1, 8, 8, 24), (1, 1, 1), "cross-entropy"),
    ("S3", "S3", dict(base=1, classes=3, dropout=0.0), (1, 1, 32, 16, 48), (2, 2, 4), "cross-entropy"),
    (
        "S0_slices", "S0", dict(base=2, norm="batch", is2D=True), (1, 1, 1, 92, 108), (1, 1, 1), "dice",
        dict(batch=True, epsilon=1e-7),
    ),
    ("S1_as_code", "S1", dict(base=4, form="asCode"), (2, 1, 8, 8, 16), (1, 1, 1), "jaccard"),
    ("S1_as_text", "S1", dict(base=4, form="asText"), (2, 1, 8, 8, 16), (1, 1, 1), "jaccard"),
    ("S4", "S4", dict(base=2), (1, 1, 3, 16, 48), (1, 1, 1), "weighted-ce", dict(weights=[1.0, 7.0])),
    (
        "R1", "R1", dict(widths=[2, 3, 5, 7]), (1, 1, 16, 8, 24), (1, 1, 1), "dice-ce",
        dict(background=False, epsilon=1e-6, region_weight=0.5, factor=0.5),
    ),
    (
        "R2", "R2", dict(widths=[2, 3, 5, 7]), (1, 1, 16, 8, 24), (1, 1, 1), "dice-ce", dict(background=False),
    ),
]


def write_all(writer, seed):
    """Every network, on the first start that keeps its values away from the kinks of its activations."""
    for name, model, options, shape, stride, loss, *more in CASES:
        loss_options = more[0] if more else {}

        def draw(attempt):
            return Start(model, options, shape, 1000 * seed + attempt)

        start, values = calm_start(name, draw, loss, loss_options)
        write(writer, name, model, options, shape, stride, loss, loss_options, start, values)


def calm_start(name, draw, loss, loss_options):
    """The first start at which PyTorch's float32 is close to float64 for all ten steps, with float64's values."""
    for group in range(STARTS):
        start = scenes.clear_start(lambda n: draw(100 * group + n), MARGIN, ATTEMPTS)
        values = train(start, loss, loss_options, torch.float64)
        error = disagreement(values, train(start, loss, loss_options, torch.float32), start)
        if error <= 3e-5:
            return start, values
    raise RuntimeError(f"{name}: float32 is {error:.1e} from float64: its ten steps are too sensitive")


class Start:
    """A network with the weights of a seed, and its batch; all float32."""

    def __init__(self, model, options, shape, seed):
        generator = torch.Generator().manual_seed(seed)
        self.network = networks.build(model, **options)
        networks.randomise(self.network, generator)
        with torch.no_grad():  # kernels are float16 numbers, so that the file holds them in half the bytes
            for p in self.network.parameters():
                if p.ndim == 5:
                    p.copy_(p.half())
        outputs = list(self.network.parameters())[-1].numel()
        self.input, target = scenes.scene(shape, 3 if model == "S1" else outputs, generator)
        with torch.no_grad():
            target = systems.outputs_target(target, copy.deepcopy(self.network)(self.input)).contiguous()
        self.target = scenes.channels_of(target) if model == "S1" else target
        scenes.clear_activations(self.network, self.input, CLEAR)
        self.names = [name.replace(".", "/") for name, _ in self.network.named_parameters()]
        self.parameters = [p.detach().clone() for p in self.network.parameters()]
        self.hidden = networks.biases_before_norm(self.network)


def train(start, loss, loss_options, precision):
    """Losses of ten steps, logits and gradients of the first, in that precision."""
    net = copy.deepcopy(start.network)
    net = net.to(precision).train()
    data = start.input.to(precision)
    loss_values, gradients, logits = [], None, None
    optimizer = torch.optim.Adam(net.parameters(), LEARNING_RATE, eps=1e-8)
    for _ in range(STEPS):
        optimizer.zero_grad()
        output = net(data)
        value = systems.total_loss(loss, output, start.target, **loss_options)
        value.backward()
        for p in net.parameters():  # a head of weight 0
            p.grad = torch.zeros_like(p) if p.grad is None else p.grad
        if gradients is None:
            gradients, logits = [p.grad.clone() for p in net.parameters()], systems.main_output(output).detach()
        optimizer.step()
        loss_values.append(value.item())
    return {"losses": torch.tensor(loss_values, dtype=torch.float64), "gradients": gradients, "logits": logits}


def disagreement(exact, rough, start):
    """The largest error of losses and gradients, relative to the loss and to each layer's largest gradient norm."""
    worst = ((exact["losses"] - rough["losses"]) / exact["losses"]).abs().max().item()
    layers = [name.rpartition("/")[0] for name in start.names]
    for i, (a, b) in enumerate(zip(exact["gradients"], rough["gradients"])):
        if i not in start.hidden:
            scale = max(g.norm() for g, layer in zip(exact["gradients"], layers) if layer == layers[i])
            worst = max(worst, distance(b, a, scale))
    return worst


def write(writer, name, model, options, shape, stride, loss, loss_options, start, values):
    """One file: see README.md for its keys."""
    target = start.target if model == "S1" else start.target.to(torch.uint8)
    tensors = {"input": start.input, "target": target, "losses": values["losses"]}
    d, h, w = stride
    tensors["output"] = values["logits"][:, :, ::d, ::h, ::w]
    norms = [g.norm() for g in values["gradients"]]
    for i in start.hidden:
        norms[i] = torch.zeros((), dtype=torch.float64)
    tensors["gradientNorms"] = torch.stack(norms)
    parameters = []
    for i, (parameter, gradient) in enumerate(zip(start.parameters, values["gradients"])):
        tensors[f"parameter.{i:03d}"] = parameter.half() if parameter.ndim == 5 else parameter  # exact: see Start
        kept = gradient.numel() < LARGEST_STORED_GRADIENT and i not in start.hidden
        if kept:
            tensors[f"gradient.parameter.{i:03d}"] = gradient
        parameters.append({
            "name": start.names[i], "shape": list(parameter.shape),
            "beforeNorm": i in start.hidden, "gradientStored": kept,
        })
    case = {
        "op": "network", "model": model, "options": options, "inputShape": list(shape), "outputStride": list(stride),
        "loss": loss, **{WORDS[key]: value for key, value in loss_options.items()}, "optimizer": "adam",
        "learningRate": LEARNING_RATE, "steps": STEPS, "parameters": parameters,
    }
    writer.add(f"networks/{name}", name, case, tensors)
