"""torch.compile: the same numbers within rounding, and after how many steps it pays.

mmx with ``train.compile`` and without it; beside both a plain loop that trains the same network on
batches of the same shape, compiled and not. mmx refuses the setting where there is no card; there
the loop is traced, with its backward pass, but no code is made (``aot_eager``), which takes minutes
on a busy processor.
"""

import json
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from check import Given, Row, held
from pictures import CLASSES, table_of
from step_card import settle
from step_finetune import ours
from step_runs import probabilities
from tiny_runs import TRAINED, tiny_spec
from torch import nn
from torchvision import models

import mmx

ARCH = "resnet18"
CLOSE = 5e-3  # of probabilities, in fp32
ROUNDED = 5e-2  # of losses, in bf16
EPOCHS = 20


@dataclass(frozen=True, slots=True)
class Timed:
    """What a training took.

    Attributes:
        step: seconds of one once everything is compiled.
        before: seconds that the first ones took longer than that.
    """

    step: float
    before: float

    def pays_beside(self, plain: "Timed") -> str:
        """After how many steps the time of compiling is won back."""
        cost = self.before - plain.before
        words = f"a step takes {1e3 * self.step:.1f} ms, {1e3 * plain.step:.1f} ms without"
        words += f", compiling {cost:.1f} s"
        if self.step >= plain.step:
            return f"{words}: it never pays"
        return f"{words}: it pays after {max(0.0, cost) / (plain.step - self.step):.0f} steps"


def answers(given: Given) -> Row:
    """The same run with and without, in fp32; without a card twice without."""
    runs = []
    for compiled in (False, True):
        changes = (f"name=compile-{compiled}", f"train.epochs={2 if given.tiny else EPOCHS}")
        learns = f"train.compile={str(compiled and given.on_card).lower()}"
        runs.append(mmx.run(tiny_spec(*TRAINED, *changes, learns, "train.precision=fp32")))
    without, made = (probabilities(run) for run in runs)
    far = float(np.abs(made - without).max())
    return held("compile, beside the run without", f"apart by {far:.1e}", far < CLOSE)


def loop(given: Given, compiled: bool) -> tuple[list[float], Timed]:
    """Losses of the first steps of a plain loop in bf16, and its time."""
    torch.manual_seed(0)
    size, batch, steps = (32, 4, 3) if given.tiny else (224, 128, 30)
    network = models.resnet18(num_classes=CLASSES).to(given.device)
    network = network.to(memory_format=torch.channels_last)
    backend = "inductor" if given.on_card else "aot_eager"
    called: nn.Module = torch.compile(network, backend=backend) if compiled else network  # type: ignore[assignment]
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-4, fused=given.on_card)
    pixels = torch.randn(batch, 3, size, size, device=given.device)
    pixels = pixels.to(memory_format=torch.channels_last)
    target = torch.arange(batch, device=given.device) % CLASSES
    losses, seconds = [], []
    for _ in range(steps):
        begun = time.perf_counter()
        with torch.autocast(given.device, torch.bfloat16):
            logits = called(pixels)
        loss = nn.functional.cross_entropy(logits.float(), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        settle(given.device)
        seconds.append(time.perf_counter() - begun)
        losses.append(float(loss.detach()))
    step = statistics.median(seconds[1:])
    return losses[:3], Timed(step, seconds[0] - step)


def run(given: Given, compiled: bool) -> Timed:
    """A training of mmx in bf16, on pictures that it has decoded before."""
    count, size, batch = (40, 32, 16) if given.tiny else (1500, 224, 128)
    table = table_of(given.folder / "pictures", count, size)
    changes = (
        f"name=compile-{ARCH}-{compiled}", f"train.epochs={2 if given.tiny else 5}",
        f"train.compile={str(compiled).lower()}",
    )  # fmt: skip
    _, made, _ = ours(given, table, ARCH, size, batch, changes)
    lines = (made.path / "events.jsonl").read_text().splitlines()
    epochs = [one for one in map(json.loads, lines) if one["event"] == "epoch"]
    rate = statistics.median(one["samples_per_second"] for one in epochs[1:])
    seconds = [float(one["seconds"]) for one in epochs]
    return Timed(batch / rate, seconds[0] - statistics.median(seconds[1:]))


def main(given: Given) -> Iterator[Row]:
    """Answers, the plain loop, mmx, and both beside each other."""
    yield answers(given)
    losses, plain = loop(given, compiled=False)
    compiled_losses, compiled = loop(given, compiled=True)
    far = max(abs(a / b - 1) for a, b in zip(compiled_losses, losses, strict=True))
    yield held("compile, losses of a plain loop", f"apart by {far:.1e}", far < ROUNDED)
    yield Row("compile, a plain loop", compiled.pays_beside(plain))
    own = run(given, compiled=False)
    words = f"a step takes {1e3 * own.step:.1f} ms, {1e3 * plain.step:.1f} ms in the plain loop"
    yield Row("not compiled, mmx", words)
    if not given.on_card:
        yield Row("compile, mmx", "train.compile is refused where there is no card")
        return
    made = run(given, compiled=True)
    yield Row("compile, mmx", made.pays_beside(own))
    ours_gain, its_gain = own.step / made.step, plain.step / compiled.step
    words = f"{ours_gain:.2f} times as fast, the plain loop {its_gain:.2f} times"
    yield Row("compile, what it gains", words)
