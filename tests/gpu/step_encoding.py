"""Features of a frozen network: on the card beside the CPU, and how many pictures a second."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from check import Given, Row, held
from numpy.typing import NDArray
from pictures import table_of
from tiny_runs import PLUGINS

import mmx

CLOSE = 2e-3  # of the largest feature: they are stored in fp16


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


def main(given: Given) -> list[Row]:
    """Few pictures on both devices, then many on the card in both arithmetics."""
    few = table_of(given.folder / "few", 60 if given.tiny else 256, 64 if given.tiny else 256)
    _, there = encoded(given, "there", few)
    os.environ["ACCELERATE_USE_CPU"] = "true"
    _, here = encoded(given, "here", few)
    del os.environ["ACCELERATE_USE_CPU"]
    largest = max(float(np.abs(one).max()) for one in here.values())
    far = max(float(np.abs(here[key] - there[key].astype(np.float64)).max()) for key in here)
    rows = [
        held("features, beside the CPU's", f"apart by {far / largest:.1e}", far < CLOSE * largest)
    ]
    count = 60 if given.tiny else 8011
    many = table_of(given.folder / "many", count, 64 if given.tiny else 256)
    for arithmetic in ("fp32", "bf16"):
        seconds, _ = encoded(given, f"many-{arithmetic}", many, arithmetic)
        rows.append(Row(f"encoding in {arithmetic}", f"{count / seconds:.0f} pictures a second"))
    return rows
