"""CPU times of the heads, as ratios: forward and backward, medians of interleaved repeats.

Run ``python tests/benchmarks/heads.py``; it prints a table and exits with 1 when a limit is missed.
"""

import itertools
import statistics
import sys
import time
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import mmx
from mmx import Features, Head, HeadOutput

DIM, CLASSES, WIDTH = 1024, 7, 64


class EdgeSpline(Head):
    """A spline KAN that writes down the activation of every edge, as a first sketch would.

    Uniform knots, Cox-de Boor over all intervals, [B, inputs, outputs] per layer.
    """

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.register_buffer("knots", -1 + (torch.arange(12.0) - 3) * 0.4)
        pairs = list(itertools.pairwise(widths))
        self.norms = nn.ModuleList(nn.LayerNorm(a) for a, _ in pairs)
        self.coefficients = nn.ParameterList(0.1 * torch.randn(a, b, 8) for a, b in pairs)
        self.base = nn.ParameterList(torch.randn(a, b) * a**-0.5 for a, b in pairs)
        self.scale = nn.ParameterList(torch.full((a, b), a**-0.5) for a, b in pairs)

    def forward(self, features: Features) -> HeadOutput:
        x = features.pooled
        for norm, c, b, s in zip(self.norms, self.coefficients, self.base, self.scale, strict=True):
            u = norm(x).tanh()
            spline = (self.basis(u)[:, :, None] * c).sum(dim=-1)  # [B, inputs, outputs]
            x = (b * F.silu(u)[..., None] + s * spline).sum(dim=1)
        return HeadOutput(x)

    def basis(self, u: Tensor) -> Tensor:
        """[B, I] -> [B, I, 8], by the recursion over all intervals."""
        t, x = self.knots, u[..., None]
        assert isinstance(t, Tensor)
        values = ((x >= t[:-1]) & (x < t[1:])).to(u.dtype)
        for k in range(1, 4):
            left = (x - t[: -k - 1]) / (t[k:-1] - t[: -k - 1])
            right = (t[k + 1 :] - x) / (t[k + 1 :] - t[1:-k])
            values = left * values[..., :-1] + right * values[..., 1:]
        return values


class OneExpert(Head):
    """The MLP that each expert of moe is, alone: D-256-C with dropout, neither norm nor router."""

    def __init__(self) -> None:
        super().__init__()
        hidden = [nn.Linear(DIM, 256), nn.ReLU(), nn.Dropout(0.1)]
        self.layers = nn.Sequential(*hidden, nn.Linear(256, CLASSES))

    def forward(self, features: Features) -> HeadOutput:
        return HeadOutput(self.layers(features.pooled))


def step(head: Head, rows: int) -> Callable[[], None]:
    """One forward and backward pass on the same random features."""
    generator = torch.Generator().manual_seed(0)
    features = Features.of_pooled(torch.randn(rows, DIM, generator=generator).requires_grad_())
    target = torch.randint(CLASSES, (rows,), generator=generator)

    def run() -> None:
        head.zero_grad()
        output = head(features)
        loss = F.cross_entropy(output.logits, target) + sum(output.penalties.values())
        loss.backward()

    return run


def medians(runs: Mapping[str, Callable[[], None]], repeats: int) -> dict[str, float]:
    """Median milliseconds of CPU time, taken in turns: other load hits all of them alike."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats + 3):
        for name, run in runs.items():
            start = time.process_time()
            run()
            times[name].append(time.process_time() - start)
    return {name: 1e3 * statistics.median(all_of[3:]) for name, all_of in times.items()}


def built(name: str, **settings: object) -> Head:
    """A head from the registry, for 1024 channels and 7 classes."""
    torch.manual_seed(0)
    head: Head = mmx.Plugins().find("head", name).model_validate(settings).build(DIM, CLASSES)  # type: ignore
    return head


def main() -> int:
    """Print all ratios; 1 when one misses its limit."""
    torch.set_num_threads(1)
    heads = {"mlp": built("mlp"), "kan": built("kan"), "kan_spline": built("kan_spline")}
    splines = medians({name: step(head, 32) for name, head in heads.items()}, 200)
    edges = {"kan_spline": heads["kan_spline"], "edges": EdgeSpline((DIM, WIDTH, CLASSES))}
    naive = medians({name: step(head, 32) for name, head in edges.items()}, 30)
    rows = [
        ("kan / mlp, batch 32", splines["kan"] / splines["mlp"], "<=", 5.0),
        ("kan_spline / mlp, batch 32", splines["kan_spline"] / splines["mlp"], "<=", 12.0),
        ("one activation per edge / kan_spline", naive["edges"] / naive["kan_spline"], ">=", 3.0),
    ]
    for batch, repeats in ((32, 200), (1024, 20)):
        pair = {"one": OneExpert(), "moe": built("moe")}
        timed = medians({name: step(head, batch) for name, head in pair.items()}, repeats)
        rows.append((f"moe / one expert, batch {batch}", timed["moe"] / timed["one"], "<=", 3.0))
    missed = 0
    for name, ratio, sign, limit in rows:
        good = ratio <= limit if sign == "<=" else ratio >= limit
        missed += not good
        print(f"{name:40} {ratio:6.2f}  ({sign} {limit:g})  {'ok' if good else 'MISSED'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
