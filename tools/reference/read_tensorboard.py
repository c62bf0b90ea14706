#!/usr/bin/env python3
"""Reads a run's TensorBoard events with the tensorboard package and holds them against its events.jsonl.

    pip install tensorboard==2.21.0 pillow
    python tools/reference/read_tensorboard.py RUN [RUN …]

Every step and validation of events.jsonl must be there once, in order, with the same values (float32); every picture
must decode to its size. Prints one line a run; exits 1 where something differs.
"""
import io
import json
import math
import os
import sys

import numpy as np
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def same(a, b):
    a, b = np.float32(math.nan if a is None else a), np.float32(math.nan if b is None else b)
    return a == b or (np.isnan(a) and np.isnan(b))


def check(run):
    accumulator = EventAccumulator(os.path.join(run, "tensorboard"), size_guidance={"scalars": 0, "images": 0})
    accumulator.Reload()
    tags = accumulator.Tags()
    found = {tag: [(e.step, e.value) for e in accumulator.Scalars(tag)] for tag in tags["scalars"]}
    expected = {}

    def expect(tag, step, value):
        # A resumed run says a step again: the later line counts.
        points = expected.setdefault(tag, [])
        while points and points[-1][0] >= step:
            points.pop()
        points.append((step, value))

    with open(os.path.join(run, "events.jsonl")) as lines:
        for line in lines:
            event = json.loads(line)
            step = event.get("step")
            if event["event"] == "step":
                for tag, key in [("loss", "loss"), ("learning_rate", "learningRate"), ("gradient_norm", "gradientNorm")]:
                    expect(f"train/{tag}", step, event[key])
            elif event["event"] == "validation":
                if event["meanDice"] is not None:
                    expect("validation/mean_dice", step, event["meanDice"])
                for label, dice in event["dice"].items():
                    if dice is not None:
                        expect(f"validation/dice/{label}", step, dice)
    problems = []
    for tag, points in expected.items():
        got = found.get(tag, [])
        if [step for step, _ in got] != [step for step, _ in points]:
            problems.append(f"{tag}: steps {[s for s, _ in got][:20]}, expected {[s for s, _ in points][:20]}")
        elif not all(same(a, b) for (_, a), (_, b) in zip(got, points)):
            problems.append(f"{tag}: values differ")
    for tag in ["train/seconds_per_step", "train/share_waiting_for_data"]:
        if len(found.get(tag, [])) != len(expected["train/loss"]):
            problems.append(f"{tag}: {len(found.get(tag, []))} points")
    pictures = 0
    for tag in tags["images"]:
        for event in accumulator.Images(tag):
            picture = Image.open(io.BytesIO(event.encoded_image_string))
            picture.load()
            if picture.size != (event.width, event.height):
                problems.append(f"{tag}: {picture.size}, said {(event.width, event.height)}")
            pictures += 1
    print(f"{run}: {len(found)} scalar tags, {len(expected['train/loss'])} steps, {pictures} pictures: "
          + ("as in events.jsonl" if not problems else "; ".join(problems)))
    return not problems


if not sys.argv[1:]:
    sys.exit(__doc__)
sys.exit(0 if all([check(run) for run in sys.argv[1:]]) else 1)
