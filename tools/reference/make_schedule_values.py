#!/usr/bin/env python3
"""Writes Tests/Values/schedules.json: learning rates of PyTorch's schedulers, and of the references' own formulas
where PyTorch has none (Keras's ReduceLROnPlateau, MLPerf's warm-up, nnU-Net's polynomial), step by step.

    pip install torch==2.15
    python tools/reference/make_schedule_values.py > Tests/Values/schedules.json
"""
import json
import random

import torch
from torch.optim import SGD
from torch.optim.lr_scheduler import (
    ConstantLR, ExponentialLR, LinearLR, MultiStepLR, PolynomialLR, ReduceLROnPlateau, SequentialLR)


def optimizer(rate):
    return SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)


def rates(make, base, count):
    """The rate in force at each of `count` scheduler periods."""
    opt = optimizer(base)
    scheduler = make(opt)
    found = []
    for _ in range(count):
        found.append(opt.param_groups[0]["lr"])
        opt.step()
        scheduler.step()
    return found


def plateau(base, values, **options):
    """The rate behind each check."""
    opt = optimizer(base)
    scheduler = ReduceLROnPlateau(opt, **options)
    found = []
    for value in values:
        scheduler.step(value)
        found.append(opt.param_groups[0]["lr"])
    return found


def keras_plateau(base, values, mode, factor, patience, min_delta, cooldown, min_lr):
    """keras/src/callbacks/reduce_lr_on_plateau.py, Keras 3, line by line."""
    rate, wait, cooling = base, 0, 0
    best = float("inf") if mode == "min" else -float("inf")
    found = []
    for value in values:
        if cooling > 0:
            cooling -= 1
            wait = 0
        better = value < best - min_delta if mode == "min" else value > best + min_delta
        if better:
            best, wait = value, 0
        elif cooling == 0:
            wait += 1
            if wait >= patience and rate > min_lr:
                rate = max(rate * factor, min_lr)
                cooling, wait = cooldown, 0
        found.append(rate)
    return found


def metric(seed, count, rising):
    """A noisy curve that improves ever more slowly, with plateaus."""
    draw = random.Random(seed)
    level, curve = 0.2, []
    for index in range(count):
        if draw.random() < 0.25:
            level += (0.9 - level) * 0.15
        curve.append(round(level + draw.uniform(-0.02, 0.01), 6))
    return curve if rising else [round(1 - value, 6) for value in curve]


cases = []


def closed(name, schedule, base, steps_per_epoch, horizon, values, **more):
    cases.append(dict(name=name, schedule=schedule, base=base, stepsPerEpoch=steps_per_epoch, horizon=horizon,
                      rates=values, **more))


# S3: Adam 5e-4, times 0.985 each epoch.
closed("S3", {"name": "exponential", "gamma": 0.985}, 5e-4, 1, 300,
       rates(lambda o: ExponentialLR(o, 0.985), 5e-4, 300))
# R2: nnU-Net's PolyLRScheduler, per epoch: initial · (1 − epoch/epochs)^0.9.
per_epoch = rates(lambda o: PolynomialLR(o, total_iters=40, power=0.9), 1e-2, 40)
closed("R2", {"name": "polynomial", "power": 0.9, "perEpoch": True}, 1e-2, 5, 200,
       [rate for rate in per_epoch for _ in range(5)])
closed("polynomial per step", {"name": "polynomial", "power": 0.9}, 1e-2, 5, 60,
       rates(lambda o: PolynomialLR(o, total_iters=60, power=0.9), 1e-2, 60))
closed("steps", {"name": "steps", "epochs": [3, 7], "factor": 0.1}, 0.1, 1, 10,
       rates(lambda o: MultiStepLR(o, [3, 7], 0.1), 0.1, 10))
# R1: MLPerf's lr_warmup from 1e-4 to 0.8 over 200 epochs, counted from 1, then constant.
closed("R1", {"name": "constant", "warmupEpochs": 200, "warmupStart": 1e-4}, 0.8, 1, 300,
       [1e-4 + (0.8 - 1e-4) * epoch / 200 if epoch <= 200 else 0.8 for epoch in range(1, 301)])
# Warm-up over w steps is LinearLR of w − 1 steps.
closed("linear warm-up", {"name": "constant", "warmupSteps": 8}, 0.3, 4, 20,
       rates(lambda o: SequentialLR(
           o, [LinearLR(o, start_factor=1 / 8, total_iters=7), ConstantLR(o, factor=1)], [8]), 0.3, 20))

for name, base, seed, options, keras in [
    ("pytorch max", 1e-2, 1, dict(mode="max", factor=0.5, patience=3, cooldown=0, threshold=1e-4,
                                   threshold_mode="rel", min_lr=1e-4), None),
    ("pytorch cooldown", 1e-2, 2, dict(mode="max", factor=0.1, patience=2, cooldown=4, threshold=1e-3,
                                        threshold_mode="abs", min_lr=1e-5), None),
    ("pytorch min", 1.0, 3, dict(mode="min", factor=0.3, patience=0, cooldown=1, threshold=1e-2,
                                  threshold_mode="rel", min_lr=0.01), None),
    # Both authors use Keras; S1 with mode max, as its text means.
    ("S1", 1e-2, 4, None, dict(mode="max", factor=0.5, patience=5, cooldown=0, min_delta=1e-6, min_lr=1e-6)),
    ("S4", 1e-3, 5, None, dict(mode="max", factor=0.1, patience=30, cooldown=10, min_delta=1e-4, min_lr=1e-6)),
    ("keras cooldown", 1e-3, 6, None, dict(mode="min", factor=0.5, patience=2, cooldown=3, min_delta=1e-3, min_lr=2e-5)),
]:
    rising = (options or keras)["mode"] == "max"
    values = metric(seed, 400 if name == "S4" else 150, rising)
    if options:
        schedule = dict(
            name="plateau", rule="pytorch", mode=options["mode"], factor=options["factor"],
            patience=options["patience"], cooldown=options["cooldown"], threshold=options["threshold"],
            thresholdMode="relative" if options["threshold_mode"] == "rel" else "absolute", minimum=options["min_lr"])
        found = plateau(base, values, **options)
    else:
        schedule = dict(
            name="plateau", rule="keras", mode=keras["mode"], factor=keras["factor"], patience=keras["patience"],
            cooldown=keras["cooldown"], threshold=keras["min_delta"], thresholdMode="absolute",
            minimum=keras["min_lr"])
        found = keras_plateau(base, values, **keras)
    cases.append(dict(name=name, schedule=schedule, base=base, metric=values, rates=found))

print(json.dumps({"torch": torch.__version__, "cases": cases}, separators=(",", ":")))
