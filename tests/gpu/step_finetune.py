"""Fine-tuning at 224 pixels beside a plain loop with AMP, channels_last and loader workers.

Both decode the same JPEG files, train the same network with the same batches in bf16 for the same
epochs, and validate after each. The plain loop reads no text; neither does mmx (image_only).
"""

import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import torch
import yaml
from check import Given, Row, held
from pictures import CLASSES, table_of
from PIL import Image
from tiny_runs import PLUGINS
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import models

import mmx
from mmx import commands
from mmx.data.decoded_images import decode
from mmx.data.frames import Decoder
from mmx.interfaces import ImageSource

GOAL, BUSY = 1.5, 90.0  # times the plain loop; per cent of the time with a kernel on the card
EPOCHS, WORKERS = 4, 8


class Files(Dataset[tuple[Tensor, int]]):
    """Pictures that are decoded whenever they are asked for."""

    def __init__(self, files: list[Path], labels: list[int], size: int) -> None:
        self.files, self.labels, self.size = files, labels, size

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, place: int) -> tuple[Tensor, int]:
        with Image.open(self.files[place]) as image:
            shown = image.convert("RGB").resize((self.size, self.size), Image.Resampling.BILINEAR)
        return torch.from_numpy(np.array(shown)).permute(2, 0, 1), self.labels[place]


def plain(given: Given, run: mmx.Run, table: Path, arch: str, size: int, batch: int) -> float:
    """Seconds of the plain loop on the parts of a run."""
    rows = pd.read_csv(table)
    part = pd.read_csv(run.path / "split.csv").set_index("sample_id")["part"]
    labels = rows["label"].astype("category").cat.codes
    loaders = {}
    for name in ("train", "validation", "test"):
        own = [n for n in range(len(rows)) if part[part.index[n]] == name]
        data = Files(
            [table.parent / rows["image"][n] for n in own], [int(labels[n]) for n in own], size
        )
        loaders[name] = DataLoader(
            data, batch, shuffle=name == "train", pin_memory=given.on_card,
            num_workers=0 if given.tiny else WORKERS, persistent_workers=not given.tiny,
        )  # fmt: skip
    begun = time.perf_counter()
    model = getattr(models, arch)(num_classes=CLASSES).to(given.device)
    model = model.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=given.on_card)

    def logits(pixels: Tensor) -> Tensor:
        on = pixels.to(given.device, non_blocking=True).float().div(255).sub(0.5).div(0.25)
        with torch.autocast(given.device, torch.bfloat16):
            found: Tensor = model(on.to(memory_format=torch.channels_last))
        return found

    for _ in range(epochs(given)):
        model.train()
        for pixels, target in loaders["train"]:
            loss = nn.functional.cross_entropy(logits(pixels).float(), target.to(given.device))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        look(model, loaders["validation"], logits)
    look(model, loaders["test"], logits)
    if given.on_card:
        torch.cuda.synchronize()
    return time.perf_counter() - begun


def look(model: nn.Module, loader: DataLoader, logits) -> None:  # type: ignore[no-untyped-def,type-arg]
    """Predict a part."""
    model.eval()
    with torch.inference_mode():
        for pixels, _ in loader:
            logits(pixels).argmax(1).cpu()


def epochs(given: Given) -> int:
    """How often the training part is seen."""
    return 1 if given.tiny else EPOCHS


def ours(
    given: Given, table: Path, arch: str, size: int, batch: int, changes: Sequence[str] = ()
) -> tuple[float, mmx.Run, "Reading"]:
    """Seconds of mmx for decoding, training and predicting, from an empty cache.

    ``changes`` are KEY=VALUE of the spec.
    """
    plain_spec = {
        "name": f"finetune-{arch}",
        "data": {
            "dataset": {
                "type": "table", "path": str(table), "images": ["image"], "label": "label",
                "group": "patient", "record": ["age"],
            },
            "image": {"height": size, "width": size, "fit": "stretch"},
            "cache": {"folder": str(given.folder / f"cache-{arch}")},
            "memory_gb": 8.0,
        },
        "model": {
            "image": {"type": "torchvision", "arch": arch, "weights": "none", "train": "full"},
            "text": "tiny_text",
            "fusion": "image_only",
            "projection": None,
        },
        "train": {"epochs": epochs(given), "batch_size": batch, "precision": "bf16"},
        "evaluation": {"batch_size": batch},
    }  # fmt: skip
    file = given.folder / f"{arch}.yaml"
    file.write_text(yaml.safe_dump(plain_spec))
    spec = mmx.load_spec(file, overrides=list(changes), plugins=PLUGINS)
    watch = Reading()
    with watch.counting():
        run = mmx.run(spec, observer=watch)
    spent = run.metrics["seconds"]
    taken = watch.seconds + float(sum(spent.values()) - spent.get("report", 0))
    return taken, run, watch


class Reading:
    """Notes how long the decoding of pictures took, which the run does not count, and how many."""

    seconds = 0.0

    def __init__(self) -> None:
        self.decoded: list[object] = []

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Every picture that is decoded meanwhile is counted, wherever it is asked for."""

        def counted(source: ImageSource, decoder: Decoder) -> object:
            self.decoded.append(source)
            return decode(source, decoder)

        with ExitStack() as patched:
            for place in ("decoded_images", "image_store"):
                patched.enter_context(mock.patch(f"mmx.data.{place}.decode", counted))
            yield

    def progress(self, progress: commands.Progress) -> None:
        """Keep the time of the last pass over the pictures, in which they are decoded."""
        if (progress.stage, progress.unit) == ("reading", "images") and progress.rate:
            self.seconds = progress.done / progress.rate

    def message(self, text: str) -> None:
        """Print it."""
        print(" ", text)


@contextmanager
def card_use(on: bool) -> Iterator[list[float]]:
    """Per cent of the time with a kernel on the card, ten times a second."""
    seen: list[float] = []
    stop = threading.Event()

    def watch() -> None:
        pynvml = import_module("pynvml")  # only a machine with a card has it
        pynvml.nvmlInit()
        card = pynvml.nvmlDeviceGetHandleByIndex(0)
        while not stop.wait(0.1):
            seen.append(float(pynvml.nvmlDeviceGetUtilizationRates(card).gpu))

    thread = threading.Thread(target=watch, daemon=True)
    if on:
        thread.start()
    yield seen
    stop.set()


def main(given: Given) -> Iterator[Row]:
    """ResNet-50 and EfficientNet-B0."""
    count, size, batch = (80, 32, 16) if given.tiny else (6000, 224, 128)
    table = table_of(given.folder / "pictures", count, size if given.tiny else 256)
    for arch in ("resnet18",) if given.tiny else ("resnet50", "efficientnet_b0"):
        if given.on_card:
            torch.cuda.reset_peak_memory_stats()
        with card_use(given.on_card) as seen:
            own, run, watch = ours(given, table, arch, size, batch)
        memory = torch.cuda.max_memory_allocated() / 2**30 if given.on_card else 0.0
        theirs = plain(given, run, table, arch, size, batch)
        trained = run.metrics["seconds"]["train"]
        rate = 0.7 * count * epochs(given) / trained
        words = f"{theirs / own:.2f} times the plain loop ({own:.1f} s, {theirs:.1f} s)"
        good = theirs / own >= GOAL or not given.on_card
        yield held(f"fine-tuning {arch}", words, good)
        words = f"{rate:.0f} pictures a second, {memory:.1f} GiB at most"
        yield Row(f"fine-tuning {arch}", words)
        words = f"{len(watch.decoded)} pictures decoded in {watch.seconds:.1f} s, of {count}"
        yield held(f"decoded once, {arch}", words, len(watch.decoded) == count)
        if seen:
            busy = statistics.median(seen)
            yield held(f"card busy, {arch}", f"{busy:.0f} %", busy > BUSY)
