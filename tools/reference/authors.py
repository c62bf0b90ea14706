"""What each network is trained with: its twin's options, a reduced input, its author's loss and optimizer.

The losses' options are those of losses.py; the optimizers' those of optimizer_cases.py.
"""

from dataclasses import dataclass, field

ADAM = dict(beta1=0.9, beta2=0.999, epsilon=1e-8, weightDecay=0.0)


@dataclass
class Author:
    network: str
    shape: tuple
    loss: str
    optimizer: str
    settings: dict
    options: dict = field(default_factory=dict)
    loss_options: dict = field(default_factory=dict)
    # Independent channels: class 1 is (1, 0), class 2 is (1, 1), as liver with lesion.
    channels: bool = False
    step_options: tuple = ()
    # Channels of the first level; None: the author's. S0's smallest input in 3D, and R1's, have so many values at their
    # own width that some lies within float32's rounding of a kink.
    base: int | None = None

    def model_options(self):
        """Words of voxcl's commands that take a built-in model."""
        return [] if self.base is None else ["--base", str(self.base)]


def adam(rate, **others):
    return {"learningRate": rate, **ADAM, **others}


def s0(shape, **options):
    # Dice of background and foreground, sums over the batch, epsilon 1e-7; Adam at 5e-5.
    return Author(
        "S0", shape, "dice", "adam", adam(5e-5), options, dict(batch=True, epsilon=1e-7), base=options.get("base")
    )


def s1(form):
    # Jaccard distance of two channels; Keras's Adam at 1e-2.
    return Author(
        "S1", (2, 1, 16, 16, 16), "jaccard", "adamKeras", adam(1e-2, epsilon=1e-7), dict(form=form), channels=True
    )


AUTHORS = {
    "unet3d": Author("unet3d", (2, 1, 16, 24, 32), "cross-entropy", "adam", adam(1e-5)),
    "S0": s0((1, 1, 92, 92, 92), base=4),
    "S0-2D": s0((1, 1, 1, 108, 124), is2D=True),
    "S0-renorm": s0((1, 1, 92, 92, 92), base=4, norm="renorm", limits=(1.5, 2.0)),
    "S1-as-code": s1("asCode"),
    "S1-as-text": s1("asText"),
    "S2": Author("S2", (2, 1, 16, 8, 24), "cross-entropy", "adam", adam(1e-4)),
    "S3": Author(
        "S3", (1, 1, 32, 32, 32), "dice", "adam", adam(5e-4, weightDecay=1e-5), dict(dropout=0.0),
        dict(background=False, batch=True),
    ),
    "S4": Author("S4", (1, 1, 3, 32, 48), "weighted-ce", "adam", adam(1e-3), {}, dict(weights=[1.0, 7.0])),
    # (Dice of the foreground + cross-entropy) / 2. The author's rate of 0.8 follows a warm-up of 200 epochs.
    "R1": Author(
        "R1", (1, 1, 64, 64, 32), "dice-ce", "nesterov", dict(learningRate=1e-2, momentum=0.9, weightDecay=0.0),
        dict(widths=[16, 32, 64, 128, 160, 160]),
        dict(background=False, epsilon=1e-6, region_weight=0.5, factor=0.5), base=16,
    ),
    # The polynomial schedule is constant within an epoch.
    "R2": Author(
        "R2", (1, 1, 64, 64, 32), "dice-ce", "nesterov", dict(learningRate=1e-2, momentum=0.99, weightDecay=3e-5), {},
        dict(background=False),
    ),
}
AUTHORS["S0-renorm"].step_options = ("--renorm-limits", "1.5,2")

# What the issue of the nine systems counts: S0 with its twin on slices, S1 in both forms.
NINE = ["S0", "S0-2D", "S1-as-code", "S1-as-text", "S2", "S3", "S4", "R1", "R2"]

LOSS_FLAGS = {
    "epsilon": "--epsilon", "region_weight": "--region-weight", "factor": "--entropy-weight", "alpha": "--alpha",
    "beta": "--beta", "gamma": "--gamma",
}
OPTIMIZERS = {"adam": "adam", "adamKeras": "adam-keras", "adamw": "adamw", "nesterov": "sgd", "momentum": "momentum"}


def loss_flags(options):
    """Options of a loss as words of `voxcl step`."""
    words = []
    for key, value in options.items():
        if key == "background":
            words += [] if value else ["--exclude-background"]
        elif key == "batch":
            words += ["--batch-dice"] if value else []
        elif key == "weights":
            words += ["--class-weights", ",".join(str(w) for w in value)]
        else:
            words += [LOSS_FLAGS[key], value]
    return words


def optimizer_flags(kind, settings):
    """An optimizer as words of `voxcl step`."""
    words = ["--optimizer", OPTIMIZERS[kind], "--learning-rate", settings["learningRate"]]
    words += ["--weight-decay", settings["weightDecay"]]
    if "momentum" in settings:
        return words + ["--beta1", settings["momentum"]]
    return words + [
        "--beta1", settings["beta1"], "--beta2", settings["beta2"], "--adam-epsilon", settings["epsilon"]
    ]
