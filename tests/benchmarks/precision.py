"""Which arithmetic trains fusions of cached tokens faster: whether ``bf16`` is worth setting.

Run ``python tests/benchmarks/precision.py``: steps (forward, backward, update) of projection and
fusion at batch 64 on tokens of the bundled encoders' size, one thread, fp32 and bf16 in turns.
Prints the median of the ratios of all turns, above 1 where bf16 is faster.
"""

import statistics
import sys
import time
from collections.abc import Callable

import torch
from torch import nn

from mmx import Features, FeatureShape, FusionParams
from mmx.commands import find
from mmx.training.precision import cpu_has_bf16

BATCH, TURNS, WIDTH = 64, 9, 256
IMAGE, TEXT = (35, 1280), (30, 384)  # tokens and their channels
FUSIONS = ("cross_attention", "co_attention", "hierarchical", "mamba", "bottleneck", "perceiver")


def given(tokens: int, channels: int) -> Features:
    """Random tokens, which stand for three levels too."""
    made = torch.randn(BATCH, tokens, channels)
    level = Features(made[:, :16], torch.ones(BATCH, min(tokens, 16), dtype=torch.bool))
    mask = torch.ones(BATCH, tokens, dtype=torch.bool)
    return Features(made, mask, levels=(level, level, level))


def training_step(name: str) -> Callable[[bool], None]:
    """A step of one fusion, in bf16 or not."""
    params = find("fusion", name)()
    assert isinstance(params, FusionParams)
    shape = FeatureShape(WIDTH, (WIDTH,) * 3)
    fusion = params.build({"image": shape, "text": shape})
    sides = [(nn.Linear(size[1], WIDTH), given(*size)) for size in (IMAGE, TEXT)]
    model = nn.ModuleList([fusion, *(layer for layer, _ in sides)])
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)

    def project(layer: nn.Module, one: Features) -> Features:
        levels = tuple(project(layer, level) for level in one.levels)
        return Features(layer(one.tokens), one.mask, levels=levels)

    def step(bf16: bool) -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            pooled = fusion(*(project(layer, one) for layer, one in sides)).pooled
        pooled.float().square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def ratio(step: Callable[[bool], None]) -> float:
    """Time in fp32 over time in bf16, the median over turns."""
    found = []
    for turn in range(TURNS + 1):
        seconds = []
        for bf16 in (False, True):
            start = time.perf_counter()
            step(bf16)
            seconds.append(time.perf_counter() - start)
        if turn:  # the first one warms up
            found.append(seconds[0] / seconds[1])
    return statistics.median(found)


def main() -> int:
    """Measure all; status 1 where the CPU multiplies bf16 and is slower in it."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    ratios = {name: ratio(training_step(name)) for name in FUSIONS}
    for name, value in ratios.items():
        print(f"{name}: bf16 {value:.2f} times as fast as fp32")
    print(f"this CPU multiplies bf16 itself: {'yes' if cpu_has_bf16() else 'no'}")
    return int(cpu_has_bf16() and min(ratios.values()) < 1)


if __name__ == "__main__":
    sys.exit(main())
