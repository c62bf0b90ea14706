"""Golden values of losses: the loss of given logits and targets, and its gradient."""

import torch

import losses


def loss_list():
    """(name, op, options in VoxCL's words, arguments in ours)."""
    weights = [0.5, 1.0, 3.0, 2.0]
    cases = [
        ("crossEntropy_plain", "cross-entropy", {}, {}),
        ("crossEntropy_weighted", "cross-entropy", {"classWeights": weights}, {"weights": weights}),
        ("crossEntropy_ignore", "cross-entropy", {"ignoreLabel": -1}, {"ignore": -1}),
        (
            "crossEntropy_weighted_ignore", "cross-entropy",
            {"classWeights": weights, "ignoreLabel": -1}, {"weights": weights, "ignore": -1},
        ),
        (
            "dice_ignore", "dice", {"background": True, "batch": False, "ignoreLabel": -1},
            {"background": True, "batch": False, "ignore": -1},
        ),
    ]
    for background in (True, False):
        for batch in (True, False):
            options = {"background": background, "batch": batch}
            name = f"{'background' if background else 'foreground'}_{'batch' if batch else 'sample'}"
            cases.append((f"dice_{name}", "dice", options, options))
    for factor, background, batch in [(1.0, True, False), (0.2, False, True)]:
        options = {"background": background, "batch": batch}
        cases.append(
            (f"diceCrossEntropy_{factor}", "dice-ce", {"lambda": factor, **options}, {"factor": factor, **options})
        )
    return cases


def write_all(writer, g):
    """Every loss; logits are three times normal, so that probabilities reach both ends."""
    n, c, extent = 2, 4, (3, 5, 7)
    for name, op, options, arguments in loss_list():
        logits = 3 * torch.randn(n, c, *extent, generator=g)
        target = torch.randint(0, c, (n, *extent), generator=g, dtype=torch.int32)
        if "ignore" in arguments:
            target[torch.rand(target.shape, generator=g) < 0.2] = -1
        if op == "dice" and not arguments["batch"]:
            target[0][target[0] == 2] = 0  # a class that one sample does not have
        write(writer, name, op, options, logits, target, lambda x: losses.LOSSES[op](x, target, **arguments))
    logits = 3 * torch.randn(n, 3, *extent, generator=g)
    target = (torch.rand(logits.shape, generator=g) < 0.3).float()
    write(writer, "bce", "bce", {}, logits, target, lambda x: losses.binary_cross_entropy(x, target))


def write(writer, name, op, options, logits, target, function):
    x = logits.double().requires_grad_()
    loss = function(x)
    loss.backward()
    case = {
        "op": op, "batch": x.shape[0], "classes": x.shape[1], "extent": list(x.shape[2:]), **options,
    }
    if op.startswith("dice"):
        case["epsilon"] = losses.DICE_EPSILON
    tensors = {"input": logits, "target": target, "loss": loss.reshape(1), "gradient.input": x.grad}
    writer.write("losses", name, case, tensors)
