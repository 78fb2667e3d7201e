"""What every fusion costs: a table of time, parameters and operations, beside cross_attention.

Run ``python tests/benchmarks/fusions.py``: forward and backward at batch 32 with 49 image and 32
text tokens, width 256. The fusions take turns in one run; medians and the median of the ratios of
all turns are printed. The exit status says whether all stay below LIMIT or stand in EXCUSED.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mmx import Features, FeatureShape, FusionParams, find

LIMIT, TURNS = 5.0, 7  # times cross_attention
BATCH, IMAGE_TOKENS, TEXT_TOKENS, WIDTH = 32, 49, 32, 256
CASES: dict[str, tuple[str, dict[str, object]]] = {
    name: (name, {})
    for name in (
        *("image_only", "text_only", "concat", "add", "multiply", "gated", "cross_attention"),
        *("co_attention", "low_rank", "mlb", "mfb", "ibfa", "hierarchical", "mamba", "film"),
        *("metablock", "bottleneck", "perceiver"),
    )
} | {
    "concat tokens": ("concat", {"tokens": True}),
    "ibfa reference": ("ibfa", {"reference": True}),
    "mamba gated_conv": ("mamba", {"mixer": "gated_conv"}),
    "mamba sequential": ("mamba", {"ssm": "sequential"}),
}
EXCUSED = {"mamba sequential": "the oracle, step by step; ssm: ssd is the fast form"}


def features(tokens: int, levels: int = 3) -> Features:
    """Random features with gradients, as three levels too."""
    made = torch.randn(BATCH, tokens, WIDTH, requires_grad=True)
    mask = torch.ones(BATCH, tokens, dtype=torch.bool)
    return Features(made, mask, levels=tuple(features(tokens, 0) for _ in range(levels)))


def training_step(fusion: nn.Module) -> Callable[[], None]:
    """Forward and backward of the pooled result."""
    image, text = features(IMAGE_TOKENS), features(TEXT_TOKENS)

    def step() -> None:
        fusion({"image": image, "text": text}).pooled.square().sum().backward(retain_graph=True)

    return step


def built(type_name: str, settings: dict[str, object], shape: FeatureShape) -> nn.Module:
    """A fusion of features of this shape."""
    params = find("fusion", type_name).model_validate(settings)
    assert isinstance(params, FusionParams)
    return params.build({"image": shape, "text": shape})


def operations(step: Callable[[], None]) -> int:
    """Floating-point operations of the matrix products of one step."""
    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops()


def seconds(step: Callable[[], None]) -> float:
    """Wall time of one step."""
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def main() -> int:
    """Measure and print; the exit status says whether the limit was kept."""
    torch.manual_seed(0)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    shape = FeatureShape(WIDTH, (WIDTH,) * 3)
    fusions = {
        name: built(type_name, settings, shape).train()
        for name, (type_name, settings) in CASES.items()
    }
    steps = {name: training_step(fusion) for name, fusion in fusions.items()}
    flops = {name: operations(step) for name, step in steps.items()}
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(TURNS):
        for name, step in steps.items():
            taken[name].append(seconds(step))
    kept = True
    sys.stdout.write("| fusion | ms | times cross_attention | parameters | MFLOP | |\n")
    sys.stdout.write("|---|---|---|---|---|---|\n")
    for name, measured in taken.items():
        pairs = zip(measured, taken["cross_attention"], strict=True)
        ratio = statistics.median(own / reference for own, reference in pairs)
        kept &= ratio <= LIMIT or name in EXCUSED
        count = sum(parameter.numel() for parameter in fusions[name].parameters())
        sys.stdout.write(
            f"| {name} | {statistics.median(measured) * 1000:.1f} | {ratio:.2f} | {count:,} | "
            f"{flops[name] / 1e6:,.0f} | {EXCUSED.get(name, '')} |\n"
        )
    return int(not kept)


if __name__ == "__main__":
    sys.exit(main())
