"""What every fusion costs: a table of time, parameters and operations, beside cross_attention.

Run ``python tests/benchmarks/fusions.py``: forward and backward at batch 32 with 49 image and 32
text tokens, and with a record of 12 more as a third modality, width 256. The fusions take turns in
one run; medians and the median of the ratios of all turns are printed. The exit status says whether
all stay below LIMIT times cross_attention of as many modalities, or stand in EXCUSED.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mmx import Features, FeatureShape, FusionParams
from mmx.commands import find

LIMIT, TURNS = 5.0, 7  # times cross_attention
BATCH, WIDTH = 32, 256
TOKENS = {"image": 49, "text": 32, "record": 12}
CASES: dict[str, tuple[str, dict[str, object]]] = {
    name: (name, {})
    for name in (
        *("only", "concat", "add", "multiply", "gated", "cross_attention", "co_attention"),
        *("low_rank", "tfn", "mlb", "mfb", "ibfa", "hierarchical", "mamba", "film", "metablock"),
        *("bottleneck", "perceiver", "mmtm", "shaspec", "healnet", "medfuse", "drfuse"),
    )
} | {
    "concat tokens": ("concat", {"tokens": True}),
    "ibfa reference": ("ibfa", {"reference": True}),
    "mamba gated_conv": ("mamba", {"mixer": "gated_conv"}),
    "mamba sequential": ("mamba", {"ssm": "sequential"}),
}
EXCUSED = {"mamba sequential": "the oracle, step by step; ssm: ssd is the fast form"}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one fusion of some modalities costs; see the columns of the table."""

    milliseconds: float
    ratio: float
    parameters: int
    flops: int


def features(tokens: int, levels: int = 3) -> Features:
    """Random features with gradients, as three levels too."""
    made = torch.randn(BATCH, tokens, WIDTH, requires_grad=True)
    mask = torch.ones(BATCH, tokens, dtype=torch.bool)
    return Features(made, mask, levels=tuple(features(tokens, 0) for _ in range(levels)))


def training_step(fusion: nn.Module, names: tuple[str, ...]) -> Callable[[], None]:
    """Forward and backward of the pooled result."""
    given = {name: features(TOKENS[name]) for name in names}

    def step() -> None:
        fusion(given).pooled.square().sum().backward(retain_graph=True)

    return step


def built(type_name: str, settings: dict[str, object], names: tuple[str, ...]) -> nn.Module:
    """A fusion of features of these modalities."""
    params = find("fusion", type_name).model_validate(settings)
    assert isinstance(params, FusionParams)
    levels = (WIDTH,) * 3
    return params.build({n: FeatureShape(WIDTH, levels, grid=n == "image") for n in names})


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


def measured(names: tuple[str, ...]) -> Iterator[tuple[str, Cost]]:
    """The cost of each fusion of these modalities."""
    fusions = {name: built(*case, names).train() for name, case in CASES.items()}
    steps = {name: training_step(fusion, names) for name, fusion in fusions.items()}
    flops = {name: operations(step) for name, step in steps.items()}
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(TURNS):
        for name, step in steps.items():
            taken[name].append(seconds(step))
    for name, own in taken.items():
        pairs = zip(own, taken["cross_attention"], strict=True)
        ratio = statistics.median(one / reference for one, reference in pairs)
        count = sum(parameter.numel() for parameter in fusions[name].parameters())
        yield name, Cost(statistics.median(own) * 1000, ratio, count, flops[name])


def main() -> int:
    """Measure and print; the exit status says whether the limit was kept."""
    torch.manual_seed(0)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    two, three = (dict(measured(tuple(TOKENS)[:count])) for count in (2, 3))
    kept = True
    sys.stdout.write(
        "| fusion | of two: ratio | ms | parameters | MFLOP | of three: ratio | ms | parameters | "
        "MFLOP |\n"
        "|---|---|---|---|---|---|---|---|---|\n"
    )
    for name in CASES:
        cells = []
        for cost in (two[name], three[name]):
            kept &= cost.ratio <= LIMIT or name in EXCUSED
            cells += [f"{cost.ratio:.2f}", f"{cost.milliseconds:.1f}", f"{cost.parameters:,}",
                      f"{cost.flops / 1e6:,.0f}"]  # fmt: skip
        sys.stdout.write(f"| {' | '.join([name, *cells])} |\n")
    return int(not kept)


if __name__ == "__main__":
    sys.exit(main())
