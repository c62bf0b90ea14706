#!/usr/bin/env python3
"""PyTorch's side of compare_dice.py: trains a recipe that voxcl resolved; prints a line of JSON at each validation."""

import json
import sys
from pathlib import Path

import nibabel
import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "reference"))
import losses  # noqa: E402
import networks  # noqa: E402

LAYOUT = torch.channels_last_3d


def read(folder, case):
    """Image (z-score of the volume) and labels as D x H x W arrays in RAS+."""
    def volume(kind):
        image = nibabel.as_closest_canonical(nibabel.load(Path(folder) / kind / f"{case}.nii.gz"))
        return np.ascontiguousarray(np.asarray(image.dataobj, np.float32).T)

    image, labels = volume("images"), volume("labels")
    return (image - image.mean()) / image.std(), labels.astype(np.int64)


def patch(case, size, centred, random):
    """A patch of D x H x W `size` around a random voxel, `centred`: of a random label; padded with 0 and the label -1.
    Along an axis on which the patch is larger than the volume it holds all of it."""
    image, labels = case
    if centred:
        label = random.choice([n for n in np.unique(labels) if n > 0])
        voxels = np.argwhere(labels == label)
        centre = voxels[random.integers(len(voxels))]
    else:
        centre = random.integers(image.shape)
    origin, free = centre - np.array(size) // 2, np.array(image.shape) - size
    origin = np.where(free < 0, np.clip(origin, np.minimum(free, 0), 0), origin)
    low = np.maximum(origin, 0)
    high = np.minimum(origin + size, image.shape)
    inside = tuple(slice(a, b) for a, b in zip(low, high))
    around = [(a - o, o + s - b) for a, b, o, s in zip(low, high, origin, size)]
    voxels, target = np.pad(image[inside], around), np.pad(labels[inside], around, constant_values=-1)
    if random.random() < 0.5:
        voxels, target = voxels[..., ::-1], target[..., ::-1]
    return voxels.copy(), target.copy()


@torch.no_grad()
def mean_dice(network, cases, classes, divisor):
    """Mean over labels of the mean over volumes; each volume in one pass, padded to the network's multiple."""
    network.eval()
    scores = []
    for image, labels in cases:
        padding = [(0, -s % divisor) for s in image.shape]
        voxels = torch.from_numpy(np.pad(image, padding))[None, None].to(memory_format=LAYOUT)
        found = network(voxels).argmax(1)[0].numpy()[tuple(slice(s) for s in image.shape)]
        both = [(2 * ((found == c) & (labels == c)).sum(), (found == c).sum() + (labels == c).sum()) for c in classes]
        scores.append([above / below if below else np.nan for above, below in both])
    network.train()
    return float(np.nanmean(np.nanmean(scores, axis=0)))


def main():
    path, wanted, steps = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    resolved = json.loads(Path(path).read_text())
    recipe, split = resolved["recipe"], resolved["split"]
    sampler, optimizer, training = recipe["sampler"], recipe["optimizer"], recipe["training"]
    torch.manual_seed(recipe["seed"])
    random = np.random.default_rng(recipe["seed"])
    cases = [read(recipe["data"]["folder"], name) for name in split["training"]]
    validation = [read(recipe["data"]["folder"], name) for name in split["validation"]]
    classes = len(recipe["data"]["classes"])
    widths = recipe["model"]["widths"]
    network = networks.build("unet3d", widths=widths, classes=classes, norm="instance", activation="leakyReLU")
    network = network.to(memory_format=LAYOUT)
    update = torch.optim.AdamW(
        network.parameters(), optimizer["learningRate"], weight_decay=optimizer["weightDecay"])
    horizon, power = training["steps"], recipe["schedule"]["power"]
    size = sampler["patch"][::-1]
    for step in range(steps):
        for group in update.param_groups:
            group["lr"] = optimizer["learningRate"] * (1 - step / horizon) ** power
        drawn = [
            patch(cases[random.integers(len(cases))], size, random.random() < sampler["foreground"], random)
            for _ in range(sampler["batch"])
        ]
        voxels = torch.from_numpy(np.stack([d[0] for d in drawn]))[:, None].to(memory_format=LAYOUT)
        target = torch.from_numpy(np.stack([d[1] for d in drawn]))
        update.zero_grad(set_to_none=True)
        value = losses.loss("dice-ce", network(voxels), target, background=False, batch=True)
        value.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), optimizer["clipNorm"])
        update.step()
        if (step + 1) % training["validateEvery"] == 0:
            dice = mean_dice(network, validation, range(1, classes), 2 ** (len(widths) - 1))
            print(json.dumps({"step": step + 1, "meanDice": dice}), flush=True)
            if dice >= wanted:
                break


if __name__ == "__main__":
    main()
