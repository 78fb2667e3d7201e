"""What the clinical table adds to a training step, beside an image encoder that learns.

    OMP_NUM_THREADS=1 python tests/benchmarks/record_step.py

A step is forward, backward and AdamW of one encoder on a batch of 32, one thread: 12 columns of a
table (6 numbers, 6 categories), and an EfficientNet-Lite0 on images of 96 pixels with random
weights. Steps of all encoders take turns, and the fastest of each counts: a busy machine slows all.
"""

import time
from collections.abc import Callable

import numpy as np
import timm
import torch
from torch import Tensor

from mmx.interfaces import Record
from mmx_plugins.encoders.tabular.params import TabularParams

ROWS, BATCH, TURNS = 400, 32, 12
MODELS = ("ft", "mlp", "resnet")
Step = Callable[[], None]


def records() -> list[Record]:
    """Six numbers and six categories, a tenth of all cells missing."""
    draw = np.random.default_rng(0)
    found: list[Record] = []
    for _ in range(ROWS):
        row: dict[str, float | str | None] = {f"n{k}": float(draw.normal()) for k in range(6)}
        row |= {f"c{k}": str(draw.integers(2 + k)) for k in range(6)}
        found.append({name: None if draw.random() < 0.1 else value for name, value in row.items()})
    return found


def step_of(parameters: list[torch.nn.Parameter], forward: Callable[[], Tensor]) -> Step:
    optimizer = torch.optim.AdamW(parameters, lr=1e-4, fused=True)

    def step() -> None:
        optimizer.zero_grad()
        forward().square().mean().backward()
        optimizer.step()

    return step


def of_table(model: str) -> tuple[Step, float]:
    """A step of the encoder of a table, and seconds that 10,000 rows take on their way to it."""
    rows = records()
    encoder = TabularParams.model_validate({"model": model}).build()
    encoder.learn_columns(encoder.fit(rows, {}))
    encoder.train()
    begun = time.perf_counter()
    found = encoder.tabulate(rows)
    seconds = (time.perf_counter() - begun) * 10_000 / ROWS
    some = type(found)(found.values[:BATCH], found.codes[:BATCH], found.known[:BATCH])
    return step_of([*encoder.parameters()], lambda: encoder(some).pooled), seconds


def of_images() -> Step:
    network = timm.create_model("tf_efficientnet_lite0", num_classes=0).train()
    pixels = torch.randn(BATCH, 3, 96, 96)
    return step_of([*network.parameters()], lambda: network(pixels))


def main() -> None:
    torch.set_num_threads(1)
    steps, seconds = {"image": of_images()}, 0.0
    for model in MODELS:
        steps[model], seconds = of_table(model)
    best = dict.fromkeys(steps, float("inf"))
    for _ in range(TURNS):
        for name, step in steps.items():
            begun = time.perf_counter()
            step()
            best[name] = min(best[name], time.perf_counter() - begun)
    for name, value in best.items():
        print(f"{name}: {1000 * value:.1f} ms, {value / best['image']:.1%} of the image's step")
    print(f"10,000 rows to tensors: {seconds:.2f} s, once a run")


if __name__ == "__main__":
    main()
