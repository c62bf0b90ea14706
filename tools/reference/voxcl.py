"""Calls the `voxcl` command and reads what it answers."""

import json
import subprocess
import tempfile
from pathlib import Path

from safetensors.numpy import load_file, save_file

DEFAULT_BINARY = ".build/release/voxcl"


class VoxCLError(Exception):
    """voxcl failed, or answered something else than design.md's section 9 says."""


class VoxCL:
    """One voxcl binary on one device; each call is a process of its own."""

    def __init__(self, binary=DEFAULT_BINARY, device=None, timeout_in_seconds=1800):
        self.binary = str(Path(binary).resolve())
        self.device = device
        self.timeout = timeout_in_seconds
        if not Path(self.binary).exists():
            raise VoxCLError(f"{binary}: no such file; build it with `swift build -c release --product voxcl`")

    def call(self, *arguments):
        """Standard output of `voxcl ARGUMENTS`."""
        words = [self.binary, *[str(a) for a in arguments]]
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=self.timeout)
        except subprocess.TimeoutExpired:
            raise VoxCLError(f"voxcl {arguments[0]} took more than {self.timeout} s") from None
        if done.returncode != 0:
            lines = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
            raise VoxCLError(f"{' '.join(['voxcl', *words[1:]])}\n  exit {done.returncode}: {lines[-1]}")
        return done.stdout

    def call_json(self, *arguments):
        """The JSON that `voxcl ARGUMENTS --json` prints."""
        text = self.call(*arguments, "--json")
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise VoxCLError(f"voxcl {arguments[0]} --json printed no JSON ({error}): {text[:200]!r}") from None

    def parameters(self, model, options=()):
        """[(name, shape)] of a built-in model in declaration order."""
        answer = self.call_json("inspect", model, *options)
        return [(p["name"], tuple(p["shape"])) for p in answer["parameters"]]

    def on_device(self):
        return ["--device", self.device] if self.device else []

    def step(self, model, batch, loss, weights=None, options=(), as_json=False):
        """`voxcl step` on a batch (a dictionary of arrays): (tensors of OUT, the JSON or None)."""
        with tempfile.TemporaryDirectory(prefix="voxcl-step-") as folder:
            folder = Path(folder)
            save_file(batch, folder / "batch.safetensors")
            words = ["step", model, "--batch", folder / "batch.safetensors", "--loss", loss]
            words += ["--output", folder / "out.safetensors", *self.on_device(), *options]
            if weights is not None:
                save_file(weights, folder / "weights.safetensors")
                words += ["--weights", folder / "weights.safetensors"]
            report = self.call_json(*words) if as_json else self.call(*words)
            return load_file(folder / "out.safetensors"), report if as_json else None

    def run(self, model, image, weights, options=()):
        """`voxcl run`: the tensors of OUT."""
        with tempfile.TemporaryDirectory(prefix="voxcl-run-") as folder:
            folder = Path(folder)
            save_file({"input": image}, folder / "in.safetensors")
            save_file(weights, folder / "weights.safetensors")
            self.call(
                "run", model, "--input", folder / "in.safetensors", "--output", folder / "out.safetensors",
                "--weights", folder / "weights.safetensors", *self.on_device(), *options,
            )
            return load_file(folder / "out.safetensors")
