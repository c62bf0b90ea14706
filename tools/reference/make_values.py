#!/usr/bin/env python3
"""Makes the golden values of Tests/Values with PyTorch in float64. README.md says what is in the files."""

import argparse
import sys

import torch

import loss_cases
import network_cases
import op_cases
import optimizer_cases
import supervision_cases
from values_file import CaseWriter

LIMIT_IN_BYTES = 4_500_000
GROUPS = {
    "ops": op_cases, "losses": loss_cases, "supervision": supervision_cases, "optimizers": optimizer_cases,
    "networks": network_cases,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="the seed of every random number (default 0)")
    parser.add_argument("--out", default="Tests/Values", help="the folder to write to (default Tests/Values)")
    parser.add_argument("--groups", nargs="*", default=list(GROUPS), choices=GROUPS, help="only these (default all)")
    parser.add_argument("--verbose", action="store_true", help="print each file and its size")
    arguments = parser.parse_args()
    torch.use_deterministic_algorithms(True)
    writer = CaseWriter(arguments.out)
    for group in arguments.groups:
        GROUPS[group].write_all(writer, arguments.seed)
    writer.save()
    if arguments.verbose:
        for name, size in writer.written.items():
            print(f"{size:9d} {len(writer.cases[name]):4d} {name}")
    print(f"{writer.count} cases, {len(writer.written)} files, {writer.total_bytes} bytes in {arguments.out}")
    if writer.total_bytes > LIMIT_IN_BYTES:
        sys.exit(f"the values take more than {LIMIT_IN_BYTES} bytes: make a case smaller")


if __name__ == "__main__":
    main()
