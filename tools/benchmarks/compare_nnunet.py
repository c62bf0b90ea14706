#!/usr/bin/env python3
"""Mean Dice and seconds a step: VoxCL's planned recipe and the real nnU-Net (PyPI's nnunetv2) on one fold, on the CPU.

    tools/decathlon-layout DATA/mr_hippocampus DATASET MRI background Anterior Posterior
    voxcl plan DATASET -o r2.json
    tools/benchmarks/compare_nnunet.py DATASET r2.json --fold 0 --steps 400

VoxCL trains the recipe with training.steps=STEPS; nnU-Net then trains on VoxCL's split for as many steps with the
recipe's patch, batch and network (both count the same parameters, or this ends). All else is nnU-Net's: fingerprint,
spacing, normalisation, sampler, augmentation, loss, SGD with its rate falling from epoch to epoch, here at least twenty
of them, and the sliding window with its mean over flips. The options give it more of the recipe's choices. nnU-Net's
augmentation runs in processes of its own beside the training, as VoxCL's does in a thread.

Dice is of the label maps that both wrote, before any postprocessing: the mean over the validation cases, then over the
labels; it has to agree with what either program says itself. Seconds a step hold the wait for the batch.

Needs `pip install nnunetv2==2.8.1` in this Python's environment, and no network. One training is luck: take several
folds. Exits 1 where VoxCL's Dice is more than --limit below nnU-Net's.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import nibabel
import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "reference"))
from voxcl import DEFAULT_BINARY, VoxCL, VoxCLError  # noqa: E402

FLIPS = ["inferiorSuperior", "anteriorPosterior", "leftRight"]  # of the axes z, y, x
DAY = 86400


def main():
    arguments = parse()
    with tempfile.TemporaryDirectory(prefix="voxcl-nnunet-") as temporary:
        folder = Path(arguments.folder or temporary).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        try:
            result = measure(arguments, folder)
        except VoxCLError as error:
            sys.exit(f"compare_nnunet: {error}")
    if arguments.json:
        print(json.dumps(result, indent=1))
    else:
        report(result)
    sys.exit(0 if result.get("ok", True) else 1)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", help="folder in Decathlon layout, one channel")
    parser.add_argument("recipe", help="of `voxcl plan`; its model has to be nnunet-plain")
    parser.add_argument("--fold", type=int, default=0, help="of the recipe's split (default 0)")
    parser.add_argument("--steps", type=int, help="of either program (default the recipe's)")
    parser.add_argument("--voxcl", default=DEFAULT_BINARY, help=f"the binary (default {DEFAULT_BINARY})")
    parser.add_argument("--device", help="VoxCL's device (default its own choice)")
    parser.add_argument("--seed", type=int, default=0, help="of both; nnU-Net's processes ignore it (default 0)")
    parser.add_argument("--optimizer", choices=["sgd", "adamw"], default="sgd",
                        help="of nnU-Net: its own SGD, or the recipe's AdamW (default sgd)")
    parser.add_argument("--mirroring", choices=["nnunet", "recipe"], default="nnunet",
                        help="flips of nnU-Net: along all axes, or the recipe's (default nnunet)")
    parser.add_argument("--batch-dice", choices=["nnunet", "recipe"], default="nnunet",
                        help="nnU-Net's Dice loss over samples or the batch: its plan's choice, or the recipe's")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="PyTorch's threads (default all cores)")
    parser.add_argument("--data-processes", type=int, default=1,
                        help="of nnU-Net's augmentation; 0 augments between the steps (default 1)")
    parser.add_argument("--folder", help="keeps runs, models, predictions and nnunet.log (default a temporary folder)")
    parser.add_argument("--run", help="VoxCL's run folder (default FOLDER/run)")
    parser.add_argument("--skip-voxcl", action="store_true", help="read the finished run at --run, or leave VoxCL out")
    parser.add_argument("--skip-nnunet", action="store_true", help="leave nnU-Net out")
    parser.add_argument("--limit", type=float, default=0.01, help="of Dice below nnU-Net's (default 0.01)")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.steps is not None and arguments.steps < 1:
        parser.error("--steps must be at least 1")
    return arguments


def measure(arguments, folder):
    """Everything as the JSON shows it."""
    run, is_trained = voxcl(arguments, folder)
    recipe, split = (json.loads((run / name).read_text()) for name in ("recipe.json", "splits.json"))
    steps = arguments.steps or recipe["training"]["steps"]
    cases = files(arguments.dataset, recipe, split)
    result = {"fold": arguments.fold, "steps": steps, "cases": {k: len(v) for k, v in split.items()}}
    if is_trained:
        result["voxcl"] = of_voxcl(run, recipe, split, cases, steps)
    if not arguments.skip_nnunet:
        result["nnunet"] = nnunet(arguments, folder, recipe, split, cases, steps)
    if "voxcl" in result and "nnunet" in result:
        ours, theirs = result["voxcl"], result["nnunet"]
        if ours["parameters"] != theirs["parameters"]:
            raise VoxCLError(f"{ours['parameters']} parameters here and {theirs['parameters']} in nnU-Net's network")
        result["timeRatio"] = ours["secondsPerStep"] / theirs["secondsPerStep"]
        result["diceDifference"] = ours["meanDice"] - theirs["meanDice"]
        result["limit"] = arguments.limit
        result["ok"] = result["diceDifference"] >= -arguments.limit
    return result


# MARK: VoxCL


def voxcl(arguments, folder):
    """The run folder, and whether its run counts. Where VoxCL is left out, one step resolves the recipe and its split."""
    run = Path(arguments.run).resolve() if arguments.run else folder / "run"
    if arguments.skip_voxcl and run.exists():
        return run, True
    tool = VoxCL(arguments.voxcl, arguments.device, timeout_in_seconds=7 * DAY)
    words = ["train", arguments.recipe, "--fold", arguments.fold, "--no-tune", *tool.on_device()]
    words += ["--set", f"data.folder={Path(arguments.dataset).resolve()}", "--set", f"seed={arguments.seed}"]
    words += ["--set", f"training.steps={arguments.steps}"] if arguments.steps else []
    if not arguments.skip_voxcl:
        tool.call(*words, "--run", run)
        return run, True
    run = folder / "split"
    if not run.exists():
        tool.call(*words, "--run", run, "--steps", 1)
    return run, False


def of_voxcl(run, recipe, split, cases, steps):
    """Figures of a finished run."""
    path = run / "validation/summary.json"
    summary = json.loads(path.read_text()) if path.exists() else {"step": None}
    if summary["step"] != steps:
        raise VoxCLError(f"{run} was validated at step {summary['step']}, not at {steps}")
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    taken = [e for e in events if e["event"] == "step"]
    said = {label["name"]: label["dice"] for label in summary["labels"]}
    return {
        "parameters": next(e["parameters"] for e in events if e["event"] == "plan"),
        **times([e["seconds"] for e in taken], [e["waitSeconds"] for e in taken]),
        **dice(run / "validation", recipe, split, cases, said),
    }


# MARK: nnU-Net


def nnunet(arguments, folder, recipe, split, cases, steps):
    """Figures of nnU-Net's training, in a process of its own."""
    model, sampler = recipe["model"], recipe["sampler"]
    if model["name"] != "nnunet-plain":
        raise VoxCLError(f"the recipe's model is {model['name']}, not nnunet-plain")
    stages = len(model["widths"])
    augmentation, mirror = recipe["augmentation"], None
    if arguments.mirroring == "recipe":
        mirror = [axis for axis, flip in enumerate(FLIPS) if augmentation[f"{flip}FlipProbability"] > 0]
    settings = {
        "classes": recipe["data"]["classes"], "channel": recipe["data"]["channels"][0], "cases": cases, "split": split,
        # VoxCL's lists are [x, y, z].
        "patch": sampler["patch"][::-1], "batch": sampler["batch"] * sampler["microBatches"], "widths": model["widths"],
        "kernels": filled(model.get("kernels"), stages, 3), "factors": filled(model.get("factors"), stages - 1, 2),
        "steps": steps, "epochs": next(n for n in range(min(20, steps), steps + 1) if steps % n == 0),
        "mirror": mirror, "batchDice": recipe["loss"]["batch"] if arguments.batch_dice == "recipe" else None,
        "optimizer": recipe["optimizer"] if arguments.optimizer == "adamw" else None,
        "threads": arguments.threads, "dataProcesses": arguments.data_processes, "seed": arguments.seed,
    }
    if settings["optimizer"] and settings["optimizer"]["name"] != "adamw":
        raise VoxCLError(f"the recipe's optimizer is {settings['optimizer']['name']}, not adamw")
    (folder / "nnunet-settings.json").write_text(json.dumps(settings, indent=1))
    environment = {f"nnUNet_{part}": str(folder / f"nnUNet_{part}") for part in ("raw", "preprocessed", "results")}
    environment |= {"nnUNet_def_n_proc": "1", "nnUNet_compile": "f"}
    log = folder / "nnunet.log"
    with open(log, "w") as output:
        code = subprocess.run(
            [sys.executable, str(HERE / "nnunet_worker.py"), str(folder)], env={**os.environ, **environment},
            stdout=output, stderr=subprocess.STDOUT,
        ).returncode
    if code:
        last = (log.read_text().strip() or "no message").splitlines()[-1]
        raise VoxCLError(f"nnunet_worker.py ended with {code}: {last}")
    answer = json.loads((folder / "nnunet-result.json").read_text())
    summary = json.loads((Path(answer["validation"]) / "summary.json").read_text())
    said = {name: summary["mean"][str(id)]["Dice"] for name, id in recipe["data"]["classes"].items() if id > 0}
    return {
        **{key: answer[key] for key in ("version", "torch", "parameters", "epochs", "plan")},
        **times(answer["seconds"], answer["waitSeconds"]),
        **dice(Path(answer["validation"]), recipe, split, cases, said),
    }


def filled(lists, count, default):
    """The recipe's lists [x, y, z] as [z, y, x], the default where they end."""
    lists = [v[::-1] for v in lists or []]
    return lists + [[default] * 3] * (count - len(lists))


# MARK: Both


def files(dataset, recipe, split):
    """Image and label map of each case; their voxels have to lie along x, y and z, in this order."""
    dataset = Path(dataset).resolve()
    listed = json.loads((dataset / "dataset.json").read_text())["training"]
    found = {Path(entry["image"]).name.split(".nii")[0]: entry for entry in listed}
    cases = {}
    if len(recipe["data"]["channels"]) != 1 or recipe["data"].get("ignore") is not None:
        raise VoxCLError("only data of one channel and without an ignored label can be compared")
    for name in sorted(split["training"] + split["validation"]):
        cases[name] = [str(dataset / found[name][kind]) for kind in ("image", "label")]
        image = nibabel.load(cases[name][0])
        axes = nibabel.aff2axcodes(image.affine)
        if image.ndim != 3 or any(axis not in pair for axis, pair in zip(axes, ("LR", "PA", "IS"))):
            raise VoxCLError(f"{cases[name][0]} has axes {''.join(axes)}, of which none may be turned")
    return cases


def dice(folder, recipe, split, cases, said):
    """Each label's mean over the cases in which it is defined, and their mean; held against what the program says."""
    classes = {name: id for name, id in recipe["data"]["classes"].items() if id > 0}
    scores = {name: [] for name in classes}
    for case in split["validation"]:
        found, wanted = (
            np.asarray(nibabel.load(path).dataobj).astype(int) for path in (folder / f"{case}.nii.gz", cases[case][1]))
        for name, id in classes.items():
            total = (found == id).sum() + (wanted == id).sum()
            if total:
                scores[name].append(2 * ((found == id) & (wanted == id)).sum() / total)
    labels = {name: float(np.mean(values)) for name, values in scores.items()}
    for name, value in labels.items():
        if not math.isclose(value, said[name], abs_tol=1e-6):
            raise VoxCLError(f"{folder} has a Dice of {value} of {name}, its summary says {said[name]}")
    return {"dice": labels, "meanDice": float(np.mean(list(labels.values())))}


def times(seconds, waits):
    """The median, as these machines are shared; the mean holds the first step, too."""
    return {
        "secondsPerStep": statistics.median(seconds), "meanSecondsPerStep": statistics.mean(seconds),
        "waitSecondsPerStep": statistics.median(waits),
    }


def report(result):
    """A table for people."""
    programs = [name for name in ("voxcl", "nnunet") if name in result]
    if not programs:
        return print("nothing was trained")
    cases = result["cases"]
    print(f"fold {result['fold']}, {cases['training']} cases train and {cases['validation']} validate, ", end="")
    print(f"{result['steps']} steps, {result[programs[0]]['parameters']} parameters")
    if "nnunet" in result:
        theirs = result["nnunet"]
        print(f"nnU-Net {theirs['version']}, torch {theirs['torch']}, {theirs['epochs']} epochs: ", end="")
        print(", ".join(f"{key} {value}" for key, value in theirs["plan"].items()))
    labels = list(result[programs[0]]["dice"])
    print(f"\n| | {' | '.join(labels)} | mean Dice | seconds a step | mean | of which waiting |")
    print("|---" * (len(labels) + 5) + "|")
    for name in programs:
        row = result[name]
        values = [f"{row['dice'][label]:.4f}" for label in labels] + [f"{row['meanDice']:.4f}"]
        values += [f"{row[key]:.3f}" for key in ("secondsPerStep", "meanSecondsPerStep", "waitSecondsPerStep")]
        print(f"| {'VoxCL' if name == 'voxcl' else 'nnU-Net'} | {' | '.join(values)} |")
    if "timeRatio" in result:
        ours, theirs = result["voxcl"], result["nnunet"]
        values = [f"{ours['dice'][label] - theirs['dice'][label]:+.4f}" for label in labels]
        mean = ours["meanSecondsPerStep"] / theirs["meanSecondsPerStep"]
        values += [f"{result['diceDifference']:+.4f}", f"{result['timeRatio']:.3f}", f"{mean:.3f}", ""]
        print(f"| difference; ratio | {' | '.join(values)} |")
        print(f"\n{'ok' if result['ok'] else 'FAIL'}: a mean Dice at most {result['limit']} below nnU-Net's")


if __name__ == "__main__":
    main()
