"""How fast the state-space block is, as ratios to the mixers of transformers.

Run ``python tests/benchmarks/state_space.py``: one direction, batch 16, width 128, state 16,
forward and backward on CPU. All take turns in one run, so that a busy machine slows all of them;
the median of the ratios of all turns is printed. The exit status says whether the limits were kept.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from mmx import Features, FeatureShape
from mmx_plugins.fusion._mamba import ScalarStateSpace
from mmx_plugins.fusion.mamba import Block, MambaParams

BATCH, WIDTH, STATE, TURNS = 16, 128, 16, 9
# at least this many times faster than the other, by name and tokens
LIMITS = {("Mamba", 65): 12.0, ("Mamba2", 65): 1.0, ("Mamba2", 177): 1.0}
BIDIRECTIONAL_LIMIT = 2.2  # times one direction, at most
Step = Callable[[], None]


def block(*, bidirectional: bool) -> nn.Module:
    """Our block, of the inner width that the mixers have too."""
    scan = partial(ScalarStateSpace, 2 * WIDTH, STATE, 64)
    return Block(WIDTH, 2 * WIDTH, build_scan=scan, bidirectional=bidirectional)


def mixers() -> dict[str, nn.Module]:
    """The mixers of transformers at the same sizes."""
    from transformers import Mamba2Config, MambaConfig
    from transformers.models.mamba.modeling_mamba import MambaMixer
    from transformers.models.mamba2.modeling_mamba2 import Mamba2Mixer

    mamba2 = Mamba2Config(
        hidden_size=WIDTH, state_size=STATE, expand=2, head_dim=64, num_heads=4, n_groups=1
    )
    mamba = MambaConfig(hidden_size=WIDTH, state_size=STATE, expand=2)
    return {"Mamba": MambaMixer(mamba, 0), "Mamba2": Mamba2Mixer(mamba2, 0)}


def training_step(forward: Callable[[Tensor], Tensor], x: Tensor) -> Step:
    """Forward and backward, with a gradient for the input too."""

    def step() -> None:
        x.grad = None
        forward(x).sum().backward()

    return step


def fusion_step(tokens: int, *, bidirectional: bool) -> Step:
    """The whole fusion over 49 image tokens and the rest of text."""
    fusion = MambaParams(bidirectional=bidirectional).build_pair(
        FeatureShape(256), FeatureShape(256)
    )
    sides = [torch.randn(BATCH, n, 256, requires_grad=True) for n in (49, tokens - 49)]

    def step() -> None:
        image, text = (Features(s, torch.ones(s.shape[:2], dtype=torch.bool)) for s in sides)
        fusion(image, text).pooled.sum().backward()

    return step


def seconds(step: Step) -> float:
    """Wall time of one step."""
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def measure(steps: dict[str, Step]) -> dict[str, list[float]]:
    """Seconds of every turn by name; the steps take turns."""
    for step in steps.values():
        step()
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(TURNS):
        for name, step in steps.items():
            taken[name].append(seconds(step))
    return taken


def ratio(above: list[float], below: list[float]) -> float:
    """Median of the ratios of all turns."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def steps_at(tokens: int) -> dict[str, Step]:
    """Everything that is compared at this length."""
    x = torch.randn(BATCH, tokens, WIDTH, requires_grad=True)
    mask = torch.ones(BATCH, tokens, dtype=torch.bool)
    ours = {
        "block": training_step(partial(block(bidirectional=False), mask=mask), x),
        "both directions": training_step(partial(block(bidirectional=True), mask=mask), x),
        "fusion": fusion_step(tokens, bidirectional=True),
    }
    theirs = {
        name: training_step(mixer, x)
        for name, mixer in mixers().items()
        if (name, tokens) in LIMITS  # Mamba takes seconds per step at 177
    }
    return {**ours, **theirs}


def main() -> int:
    """Measure and print; the exit status says whether the limits were kept."""
    torch.manual_seed(0)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    kept = True
    for tokens in (65, 177):
        taken = measure(steps_at(tokens))
        base = taken["block"]
        sys.stdout.write(f"{tokens} tokens: block {statistics.median(base) * 1000:.1f} ms\n")
        for name in (name for name, length in LIMITS if length == tokens):
            limit = LIMITS[name, tokens]
            faster = ratio(taken[name], base)
            kept &= faster >= limit
            sys.stdout.write(f"  faster than {name}: {faster:.2f} times (at least {limit})\n")
        for name in ("both directions", "fusion"):
            slower = ratio(taken[name], base)
            kept &= slower <= BIDIRECTIONAL_LIMIT
            sys.stdout.write(f"  {name}: {slower:.2f} times (at most {BIDIRECTIONAL_LIMIT})\n")
    return int(not kept)


if __name__ == "__main__":
    sys.exit(main())
