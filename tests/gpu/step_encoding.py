"""Features of a frozen network: on the card beside the CPU, and how many pictures a second."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import yaml
from check import Given, Row, held
from numpy.typing import NDArray
from pictures import table_of
from tiny_runs import PLUGINS

import mmx

CLOSE = 1e-3  # of the largest feature: they are stored in fp16


def write_spec(given: Given, name: str, table: Path, encoding: str) -> Path:
    """A frozen network on all pictures; its features alone are classified, for one epoch."""
    size = 64 if given.tiny else 224
    plain = {
        "name": name,
        "data": {
            "dataset": {
                "type": "table", "path": str(table), "images": ["image"], "label": "label",
                "group": "patient", "record": ["age"],
            },
            "image": {"height": size, "width": size},
            "cache": {"folder": str(given.folder / name)},
        },
        "model": {
            "image": {
                "type": "torchvision", "arch": "resnet18" if given.tiny else "resnet50",
                "weights": "none",
            },
            "text": "tiny_text",
            "fusion": "image_only",
            "encoding": encoding,
        },
        "train": {"epochs": 1, "batch_size": 64},
        "evaluation": {"batch_size": 256 if given.on_card else 32},
    }  # fmt: skip
    path = given.folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(plain))
    return path


def encoded(given: Given, name: str, table: Path, encoding: str = "fp32") -> tuple[float, Any]:
    """Seconds of encoding, and the stored features by input."""
    run = mmx.run(mmx.load_spec(write_spec(given, name, table, encoding), plugins=PLUGINS))
    return float(run.metrics["seconds"]["encode"]), stored(given.folder / name)


def stored(cache: Path) -> dict[str, NDArray[Any]]:
    """Pooled features by the digest of their input, read as they lie on disk."""
    found: dict[str, NDArray[Any]] = {}
    for file in cache.rglob("index.json"):
        index = json.loads(json.loads(file.read_text())["body"])
        entry = index["arrays"].get("pooled")
        if entry is not None:
            values = np.fromfile(file.with_name("pooled.bin"), entry["dtype"])
            found |= dict(zip(index["keys"], values.reshape(entry["shape"]), strict=True))
    return found


def main(given: Given) -> Iterator[Row]:
    """Few pictures on both devices and in both arithmetics, then many on the card."""
    few = table_of(given.folder / "few", 24 if given.tiny else 256, 64 if given.tiny else 256)
    _, there = encoded(given, "there", few)
    with patch.dict(os.environ, {"ACCELERATE_USE_CPU": "true"}):
        _, here = encoded(given, "here", few)
    largest = max(float(np.abs(one).max()) for one in here.values())
    far = max(float(np.abs(here[key] - there[key].astype(np.float64)).max()) for key in here)
    words = f"apart by {far / largest:.1e}"
    yield held("features, beside the CPU's", words, far <= CLOSE * largest)
    yield kept_apart(given, few)
    count = 24 if given.tiny else 8011
    many = table_of(given.folder / "many", count, 64 if given.tiny else 256)
    for arithmetic in ("fp32", "bf16"):
        seconds, _ = encoded(given, f"many-{arithmetic}", many, arithmetic)
        words = f"{count / seconds:.0f} pictures a second, {count} in {seconds:.1f} s"
        yield Row(f"encoding in {arithmetic}", words)


def kept_apart(given: Given, table: Path) -> Row:
    """One cache asked by each arithmetic and each device: nobody is given another's features."""
    keys = []
    for arithmetic, where in (("fp32", {}), ("bf16", {}), ("fp32", {"ACCELERATE_USE_CPU": "1"})):
        with patch.dict(os.environ, where):
            encoded(given, "shared", table, arithmetic)
        keys.append({file.parent.name for file in (given.folder / "shared").rglob("index.json")})
    counts = [len(found) for found in keys]
    new = 2 if given.on_card else 1  # on a machine without a card the third is the first
    good = counts == [counts[0], 2 * counts[0], (1 + new) * counts[0]]
    return held("caches by arithmetic and device", f"{counts} after each", good)
