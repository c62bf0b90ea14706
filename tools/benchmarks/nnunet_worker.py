#!/usr/bin/env python3
"""nnU-Net's side of compare_nnunet.py: reads FOLDER/nnunet-settings.json, plans, preprocesses, trains and validates with
nnunetv2 on the CPU, and writes FOLDER/nnunet-result.json. nnU-Net's own folders come by the environment."""

import copy
import json
import os
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from nnunetv2.experiment_planning.plan_and_preprocess_api import (
    extract_fingerprint_dataset, plan_experiment_dataset, preprocess_dataset)
from nnunetv2.training.lr_scheduler.polylr import PolyLRScheduler
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

NUMBER, NAME, PLANS, CONFIGURATION = 1, "Dataset001_Comparison", "nnUNetPlans", "comparison"


class ComparedTrainer(nnUNetTrainer):
    """nnU-Net's trainer for so many steps, which it times; the settings may change its optimizer and flips."""

    def configure(self, settings):
        self.settings = settings
        self.num_epochs = settings["epochs"]
        self.num_iterations_per_epoch = settings["steps"] // settings["epochs"]
        self.num_val_iterations_per_epoch = 1  # only for its log: nothing depends on them
        self.logger.plot_progress_png = lambda *_: None
        self.seconds, self.wait_seconds = [], []

    def configure_optimizers(self):
        wanted = self.settings["optimizer"]
        if wanted is None:
            return super().configure_optimizers()
        optimizer = torch.optim.AdamW(
            self.network.parameters(), wanted["learningRate"], (wanted["beta1"], wanted["beta2"]), wanted["epsilon"],
            wanted["weightDecay"])
        if wanted["clipNorm"] != 12:
            raise SystemExit(f"nnU-Net clips gradients at 12, the recipe at {wanted['clipNorm']}")
        return optimizer, PolyLRScheduler(optimizer, wanted["learningRate"], self.num_epochs)

    def configure_rotation_dummyDA_mirroring_and_inital_patch_size(self):
        *others, axes = super().configure_rotation_dummyDA_mirroring_and_inital_patch_size()
        if self.settings["mirror"] is not None:
            order = self.plans_manager.transpose_forward
            axes = tuple(sorted(order.index(axis) for axis in self.settings["mirror"])) or None
        self.inference_allowed_mirroring_axes = axes
        return *others, axes

    def on_train_epoch_start(self):
        super().on_train_epoch_start()
        self.ended = time.perf_counter()

    def train_step(self, batch):
        start = time.perf_counter()
        result = super().train_step(batch)
        end = time.perf_counter()
        self.seconds.append(end - self.ended)
        self.wait_seconds.append(start - self.ended)
        self.ended = end
        return result

    def save_checkpoint(self, filename):
        if filename.endswith("checkpoint_final.pth"):
            super().save_checkpoint(filename)


def describe(settings):
    """nnU-Net's dataset.json and the split; the volumes stay where they are."""
    raw, preprocessed = (Path(os.environ[f"nnUNet_{part}"]) / NAME for part in ("raw", "preprocessed"))
    for folder in (raw, preprocessed):
        folder.mkdir(parents=True, exist_ok=True)
    image = next(iter(settings["cases"].values()))[0]
    (raw / "dataset.json").write_text(json.dumps({
        "channel_names": {"0": settings["channel"]}, "labels": settings["classes"], "numTraining": len(settings["cases"]),
        "file_ending": ".nii.gz" if image.endswith(".gz") else ".nii",
        "dataset": {name: {"images": [pair[0]], "label": pair[1]} for name, pair in settings["cases"].items()},
    }))
    split = {"train": settings["split"]["training"], "val": settings["split"]["validation"]}
    (preprocessed / "splits_final.json").write_text(json.dumps([split]))
    return preprocessed


def plan(settings, preprocessed):
    """nnU-Net's plan with a configuration more: its 3d_fullres with the recipe's patch, batch and network."""
    extract_fingerprint_dataset(NUMBER, num_processes=1, check_dataset_integrity=True, show_progress_bar=False)
    plan_experiment_dataset(NUMBER)
    path = preprocessed / f"{PLANS}.json"
    plans = json.loads(path.read_text())

    def turned(values):
        return [values[axis] for axis in plans["transpose_forward"]]

    stages = len(settings["widths"])
    architecture = copy.deepcopy(plans["configurations"]["3d_fullres"]["architecture"])
    architecture["arch_kwargs"].update({
        "n_stages": stages, "features_per_stage": settings["widths"],
        "kernel_sizes": [turned(v) for v in settings["kernels"]],
        "strides": [[1, 1, 1]] + [turned(v) for v in settings["factors"]],
        "n_conv_per_stage": [2] * stages, "n_conv_per_stage_decoder": [2] * (stages - 1),
    })
    configuration = {
        "inherits_from": "3d_fullres", "patch_size": turned(settings["patch"]), "batch_size": settings["batch"],
        "architecture": architecture,
    }
    if settings["batchDice"] is not None:
        configuration["batch_dice"] = settings["batchDice"]
    plans["configurations"][CONFIGURATION] = configuration
    path.write_text(json.dumps(plans, indent=1))
    preprocess_dataset(NUMBER, PLANS, [CONFIGURATION], [1], show_progress_bar=False)
    return plans


def main():
    folder = Path(sys.argv[1])
    settings = json.loads((folder / "nnunet-settings.json").read_text())
    os.environ["nnUNet_n_proc_DA"] = "1"  # the planner takes no 0, and sets PyTorch's threads to it
    torch.manual_seed(settings["seed"])
    np.random.seed(settings["seed"])
    preprocessed = describe(settings)
    plans = plan(settings, preprocessed)
    os.environ["nnUNet_n_proc_DA"] = str(settings["dataProcesses"])
    torch.set_num_threads(settings["threads"])
    dataset = json.loads((preprocessed / "dataset.json").read_text())
    trainer = ComparedTrainer({**plans, "continue_training": False}, CONFIGURATION, 0, dataset, torch.device("cpu"))
    trainer.configure(settings)
    trainer.run_training()
    trainer.perform_actual_validation()
    configuration = trainer.configuration_manager
    (folder / "nnunet-result.json").write_text(json.dumps({
        "version": version("nnunetv2"), "torch": torch.__version__, "epochs": trainer.num_epochs,
        "plan": {
            "patch": configuration.patch_size, "batch": trainer.batch_size, "spacing": configuration.spacing,
            "normalisation": configuration.normalization_schemes, "batch Dice": configuration.batch_dice,
            "flips": trainer.inference_allowed_mirroring_axes,
            "optimizer": type(trainer.optimizer).__name__, "first rate": trainer.lr_scheduler.initial_lr,
            "threads": torch.get_num_threads(),
        },
        "parameters": sum(p.numel() for p in trainer.network.parameters() if p.requires_grad),
        "seconds": trainer.seconds, "waitSeconds": trainer.wait_seconds,
        "validation": str(Path(trainer.output_folder) / "validation"),
    }))


if __name__ == "__main__":
    main()
