"""Golden values of whole networks, small ones: logits, loss, gradients and ten training steps."""

import copy

import torch

import losses
import networks
import scenes

STEPS = 10
LEARNING_RATE = 5e-5  # small: Adam turns the rounding of a near-zero gradient into a whole step
LARGEST_STORED_GRADIENT = 1000
CLEAR, MARGIN = 5e-5, 1e-5  # distance from kinks that nudged biases reach; that a start must have

# name, model, options, input shape, logits' stride per axis, loss
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
    ("S3", "S3", dict(base=2, classes=3, dropout=0.0), (1, 1, 32, 16, 48), (2, 2, 4), "cross-entropy"),
]


def write_all(writer, seed):
    """Every network, on the first start that keeps its values away from the kinks of its activations."""
    for name, model, options, shape, stride, loss in CASES:
        def draw(attempt):
            return Start(model, options, shape, 1000 * seed + attempt)

        start = scenes.clear_start(draw, MARGIN)
        values = train(start, loss, torch.float64)
        error = disagreement(values, train(start, loss, torch.float32), start.hidden)
        if error > 3e-5:
            raise RuntimeError(f"{name}: float32 is {error:.1e} from float64: its ten steps are too sensitive")
        write(writer, name, model, options, shape, stride, loss, start, values)


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
        classes = list(self.network.parameters())[-1].numel()
        self.input, self.target = scenes.scene(shape, classes, generator)
        scenes.clear_activations(self.network, self.input, CLEAR)
        self.names = [name.replace(".", "/") for name, _ in self.network.named_parameters()]
        self.parameters = [p.detach().clone() for p in self.network.parameters()]
        self.hidden = networks.biases_before_norm(self.network)


def train(start, loss, precision):
    """Losses of ten steps, logits and gradients of the first, in that precision."""
    net = copy.deepcopy(start.network)
    net = net.to(precision).train()
    data = start.input.to(precision)
    loss_values, gradients, logits = [], None, None
    optimizer = torch.optim.Adam(net.parameters(), LEARNING_RATE, eps=1e-8)
    for _ in range(STEPS):
        optimizer.zero_grad()
        output = net(data)
        value = losses.loss(loss, output, start.target)
        value.backward()
        if gradients is None:
            gradients, logits = [p.grad.clone() for p in net.parameters()], output.detach()
        optimizer.step()
        loss_values.append(value.item())
    return {"losses": torch.tensor(loss_values, dtype=torch.float64), "gradients": gradients, "logits": logits}


def disagreement(exact, rough, hidden):
    """The largest error of losses and gradients, relative to the loss and to each layer's gradient norm."""
    worst = ((exact["losses"] - rough["losses"]) / exact["losses"]).abs().max().item()
    for i, (a, b) in enumerate(zip(exact["gradients"], rough["gradients"])):
        if i not in hidden:
            worst = max(worst, ((a - b.double()).norm() / a.norm()).item())
    return worst


def write(writer, name, model, options, shape, stride, loss, start, values):
    """One file: see README.md for its keys."""
    tensors = {"input": start.input, "target": start.target.to(torch.uint8), "losses": values["losses"]}
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
        "loss": loss, "optimizer": "adam", "learningRate": LEARNING_RATE, "steps": STEPS, "parameters": parameters,
    }
    writer.add(f"networks/{name}", name, case, tensors)
