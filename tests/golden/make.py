"""Make the golden numbers anew: ``python tests/golden/make.py [--new] [CASE ...]``.

Without a case all are computed; ``--new`` computes only those that are not kept yet. README.md
beside this file says when to do it, and wants the reason of every change in its table.
"""

import argparse
import json
import os
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported
os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from golden_cases import CASES, Kept, kept

VALUES = Path(__file__).parent / "values.json"
LIBRARIES = (
    "numpy", "pandas", "pillow", "scikit-learn", "scipy", "timm", "torch", "torchvision",
    "transformers",
)  # fmt: skip


def environment() -> dict[str, str]:
    """What may move the last digits of a number that the code leaves alone."""
    processor = torch.backends.cpu.get_cpu_capability()
    if torch.cpu.get_capabilities().get("avx512_bf16"):  # an encoder that trains learns in bf16
        processor += " with bf16"
    return {**{name: version(name) for name in LIBRARIES}, "processor": processor}


def read() -> dict[str, Any]:
    """The kept numbers: environment, and cases by name."""
    found: dict[str, Any] = json.loads(VALUES.read_text(encoding="utf-8"))
    return found


def write(cases: dict[str, Kept]) -> None:
    """One line per case, so that a difference of versions shows which ones moved."""
    lines = [f'"environment": {json.dumps(environment())}']
    lines += [f"{json.dumps(name)}: {json.dumps(cases[name])}" for name in CASES if name in cases]
    VALUES.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def main() -> None:
    """Compute, and write those that were asked for beside the others."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help="names; none: all")
    parser.add_argument("--new", action="store_true", help="only cases that are not kept yet")
    given = parser.parse_args()
    unknown = sorted(set(given.cases) - set(CASES))
    if unknown:
        parser.error(f"no case is named {', '.join(unknown)}; there are {', '.join(CASES)}")
    old = read() if VALUES.is_file() else {"environment": environment()}
    whole = not (given.cases or given.new)
    if not whole and old["environment"] != environment():
        parser.error("the kept numbers were made in another environment: make all of them here")
    names = [name for name in given.cases or CASES if not (given.new and name in old)]
    made = {} if whole else {name: value for name, value in old.items() if name != "environment"}
    for name in names:
        with tempfile.TemporaryDirectory() as home:
            made[name] = kept(name, Path(home))
        sys.stderr.write(f"{name}\n")
    write(made)


if __name__ == "__main__":
    main()
