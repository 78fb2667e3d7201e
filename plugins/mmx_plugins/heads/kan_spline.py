"""Kolmogorov-Arnold network on B-splines, whose grid can follow the data.

Source: Liu et al. 2024, KAN: Kolmogorov-Arnold Networks, arXiv:2404.19756; local evaluation of the
basis after de Boor 1978, A Practical Guide to Splines.
"""

import itertools
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self

import torch
from einops import einsum, rearrange
from pydantic import Field, PositiveInt, model_validator
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from mmx import hookimpl
from mmx.interfaces import Features, Head, HeadOutput, HeadParams, Params

UPDATES = 3  # how often a grid follows the data
SAMPLES = 512  # inputs that one update looks at
RIDGE = 1e-6  # pull towards the old coefficients, against inputs that say nothing
CHANGE = 0.01  # of the functions on the samples that an update may cause, root mean square
HALVINGS = 8  # of the way to the new grid, when the functions would change more
UNIFORM = 0.02  # share of the even grid in a new one, so that equal inputs leave no empty interval


class KanSplineParams(HeadParams):
    """Settings of the spline KAN."""

    source: ClassVar[str] = "Liu et al. 2024, arXiv:2404.19756"

    type: Literal["kan_spline"] = "kan_spline"
    hidden: PositiveInt = Field(default=64, description="width of the hidden layer, channels")
    grid: PositiveInt = Field(default=5, description="intervals G of the grid")
    order: int = Field(default=3, ge=1, le=5, description="degree k of the splines")
    range: tuple[float, float] = Field(
        default=(-1.0, 1.0),
        description="ends of the first grid; inputs come out of a tanh, in [-1, 1]",
    )
    grid_update: bool = Field(
        default=False,
        description="let the grid follow the inputs early in training; one process only",
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.range[0] >= self.range[1]:
            raise ValueError(f"range must be two numbers, low < high, got {list(self.range)}")
        return self

    def build(self, dim: int, classes: int) -> "KanSpline":
        return KanSpline((dim, self.hidden, classes), self)


class KanSpline(Head):
    """[B, D] -> [B, C]; explains by ``outside`` [B], how many inputs fell outside their grid."""

    def __init__(self, widths: Sequence[int], params: KanSplineParams) -> None:
        super().__init__()
        pairs = itertools.pairwise(widths)
        self.layers = nn.ModuleList(SplineLayer(a, b, params) for a, b in pairs)

    def forward(self, features: Features) -> HeadOutput:
        x, outside = (
            features.pooled,
            torch.zeros(len(features.pooled), device=features.pooled.device),
        )
        for layer in self.layers:
            x, missed = layer(x)
            outside = outside + missed
        return HeadOutput(x, explain={"outside": outside})


class SplineLayer(nn.Module):
    """y_o = sum_i [w_b silu(u_i) + w_s sum_g c_g B_g(u_i)] with u = tanh(LN(x)).

    An input outside the grid counts, and its splines hold the value that they have at the end.
    """

    knots: Tensor

    def __init__(self, inputs: int, outputs: int, params: KanSplineParams) -> None:
        super().__init__()
        self.order = params.order
        self.norm = nn.LayerNorm(inputs)
        self.base = nn.Parameter(torch.empty(inputs, outputs))
        self.scale = nn.Parameter(torch.full((inputs, outputs), inputs**-0.5))
        splines = params.grid + params.order
        self.coefficients = nn.Parameter(torch.empty(inputs, splines, outputs))
        nn.init.normal_(self.base, std=inputs**-0.5)
        nn.init.normal_(self.coefficients, std=0.1)
        low, high = params.range
        ends = torch.linspace(low, high, params.grid + 1).expand(inputs, -1)
        self.register_buffer("knots", extended(ends, params.order))
        self.watch = Watch(inputs) if params.grid_update else None

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """[B, inputs] -> [B, outputs] and how many inputs of each row were outside, [B]."""
        u = self.norm(x).tanh()
        if self.watch is not None and self.training and self.watch.full(u.detach()):
            self.update_grid(self.watch.samples)
        low, high = self.knots[:, self.order], self.knots[:, -self.order - 1]
        outside = ((u < low) | (u > high)).sum(dim=-1)
        basis = spline_basis(u.to(self.knots.dtype), self.knots, self.order)
        weights = self.coefficients * self.scale[:, None]
        result = basis.flatten(1) @ weights.flatten(0, 1) + F.silu(u) @ self.base
        return result, outside

    @torch.no_grad()
    def update_grid(self, samples: Tensor) -> None:
        """Lay the grid where the samples are, as far as the functions on them stay the same.

        Args:
            samples: [n, inputs], as the splines read them.
        """
        intervals = self.coefficients.shape[1] - self.order
        x = samples.double()
        old = self.knots.double()
        kept = self.coefficients.double()
        wanted = extended(adapted(x, intervals), self.order)
        way = torch.ones_like(old[:, :1])  # how far each grid moves towards the wanted one
        knots = old
        fitted = kept
        change = way[:, 0]
        for _ in range(HALVINGS):
            knots = torch.lerp(old, wanted, way)
            fitted, change = refitted(x, old, knots, kept, self.order)
            way = way.where(change[:, None].le(CHANGE), way / 2)
        good = change.le(CHANGE)
        self.coefficients.copy_(fitted.where(good[:, None, None], kept))
        self.knots.copy_(knots.where(good[:, None], old))

    def extra_repr(self) -> str:
        """Widths, intervals and degree."""
        inputs, splines, outputs = self.coefficients.shape
        return f"{inputs}, {outputs}, grid={splines - self.order}, order={self.order}"


class Watch(nn.Module):
    """Collects inputs until there are enough for a grid update; saved, so that runs resume."""

    samples: Tensor
    count: Tensor
    updates: Tensor

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.register_buffer("samples", torch.zeros(SAMPLES, inputs))
        self.register_buffer("count", torch.tensor(0))
        self.register_buffer("updates", torch.tensor(0))

    def full(self, u: Tensor) -> bool:
        """Take in inputs [B, inputs]; whether it is time for an update."""
        if int(self.updates) >= UPDATES:
            return False
        start = int(self.count)
        taken = u[: SAMPLES - start]
        self.samples[start : start + len(taken)] = taken
        self.count += len(taken)
        if int(self.count) < SAMPLES:
            return False
        self.count.zero_()
        self.updates += 1
        return True


class SplineBasis(torch.autograd.Function):
    """Values of all B-splines and, for the backward pass, their slopes; only k + 1 are not 0."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, knots: Tensor, order: int) -> Tensor:
        """[B, I] and knots [I, G + 2k + 1] -> [B, I, G + k]."""
        low, high = knots[:, order], knots[:, -order - 1]
        held = x.clamp(low, high)
        span = (held[..., None] >= knots[:, order + 1 : -order - 1]).sum(dim=-1)
        values, slopes = local_splines(held, span, knots, order)
        inside = (x >= low) & (x <= high)
        index = span[..., None] + torch.arange(order + 1, device=x.device)
        ctx.save_for_backward(slopes * inside[..., None], index)
        splines = knots.shape[1] - order - 1
        return values.new_zeros(*x.shape, splines).scatter_(-1, index, values)

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]  # the decorator hides names
        ctx: Any, *grad_outputs: Any
    ) -> tuple[Tensor, None, None]:
        """Gradient of x from that of the values [B, I, G + k]."""
        slopes, index = ctx.saved_tensors
        return (grad_outputs[0].gather(-1, index) * slopes).sum(dim=-1), None, None


def spline_basis(x: Tensor, knots: Tensor, order: int) -> Tensor:
    """B-splines of degree k at x; outside the grid they hold their value at its end.

    Args:
        x: [B, I].
        knots: [I, G + 2k + 1], ascending; the grid is knots k to G + k.
        order: degree k.

    Returns:
        [B, I, G + k], >= 0; sums to 1 over the last axis.
    """
    result: Tensor = SplineBasis.apply(x, knots, order)
    return result


def local_splines(x: Tensor, span: Tensor, knots: Tensor, order: int) -> tuple[Tensor, Tensor]:
    """The k + 1 splines that are not 0 at x [B, I] in the interval ``span``, and their slopes."""
    first = span + torch.arange(len(knots), device=x.device) * knots.shape[1]
    # knot s + j of each input, j = 1 - k .. k, where s = span + k is the knot left of x
    near = {j: knots.take(first + (order + j)) for j in range(1 - order, order + 1)}
    left = {j: x - near[1 - j] for j in range(1, order + 1)}
    right = {j: near[j] - x for j in range(1, order + 1)}
    zero, values = torch.zeros_like(x), [torch.ones_like(x)]
    shares: list[Tensor] = []
    for degree in range(1, order + 1):
        shares = [
            values[r] / (near[r + 1] - near[r + 1 - degree]) for r in range(degree)
        ]  # a spline of lower degree over its length
        rising = [zero, *(left[degree - r] * shares[r] for r in range(degree))]
        falling = [*(right[r + 1] * shares[r] for r in range(degree)), zero]
        values = [a + b for a, b in zip(rising, falling, strict=True)]
    slopes = [order * (a - b) for a, b in zip([zero, *shares], [*shares, zero], strict=True)]
    return torch.stack(values, dim=-1), torch.stack(slopes, dim=-1)


def extended(grid: Tensor, order: int) -> Tensor:
    """The grid [I, G + 1] with k more knots at each end, as far apart as its outer intervals."""
    steps = torch.arange(1, order + 1, device=grid.device)
    before = grid[:, :1] - steps.flip(0) * (grid[:, 1:2] - grid[:, :1])
    after = grid[:, -1:] + steps * (grid[:, -1:] - grid[:, -2:-1])
    return torch.cat([before, grid, after], dim=1)


def adapted(samples: Tensor, intervals: int) -> Tensor:
    """A grid [I, G + 1] that has as many of the samples [n, I] in each interval, nearly."""
    shares = torch.linspace(0, 1, intervals + 1, device=samples.device, dtype=samples.dtype)
    quantiles = rearrange(samples.quantile(shares, dim=0), "g i -> i g")
    low, high = quantiles[:, :1], quantiles[:, -1:]
    high = torch.maximum(high, low + 1e-2)  # inputs that never change still get a grid
    even = low + shares * (high - low)
    return UNIFORM * even + (1 - UNIFORM) * quantiles.clamp(low, high)


def refitted(
    samples: Tensor, old: Tensor, new: Tensor, coefficients: Tensor, order: int
) -> tuple[Tensor, Tensor]:
    """Coefficients on new knots that give the same functions on the samples.

    Args:
        samples: [n, I].
        old: knots [I, G + 2k + 1].
        new: knots of the same shape.
        coefficients: [I, G + k, O] on the old knots.
        order: degree k.

    Returns:
        [I, G + k, O], by least squares with a slight pull towards the old coefficients, which makes
        it solvable where no sample is, and exact for unchanged knots; and for each input how much
        its functions change on the samples, root mean square, as a share of what they were, [I].
    """
    before, after = spline_basis(samples, old, order), spline_basis(samples, new, order)
    gram = einsum(after, after, "n i g, n i h -> i g h")
    missed = einsum(after, before - after, "n i g, n i h -> i g h") @ coefficients
    ridge = RIDGE * len(samples) * torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
    fitted: Tensor = coefficients + torch.linalg.solve(gram + ridge, missed)
    both, joint = torch.cat([before, after], dim=-1), torch.cat([-coefficients, fitted], dim=1)
    error = mean_square(both, joint) / mean_square(before, coefficients).clamp(min=1e-30)
    return fitted, error.clamp(min=0).sqrt()


def mean_square(basis: Tensor, coefficients: Tensor) -> Tensor:
    """Mean over samples and outputs of (basis coefficients)^2, for each input [I]."""
    gram = einsum(basis, basis, "n i g, n i h -> i g h") / len(basis)
    return ((gram @ coefficients) * coefficients).sum(dim=1).mean(dim=-1)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [KanSplineParams]
