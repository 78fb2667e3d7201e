"""Tokens of numbers: linear, piecewise linear or periodic, each with a map of its own per column.

Source: Gorishniy et al. 2022, On Embeddings for Numerical Features in Tabular Deep Learning,
arXiv:2203.05556. The first component of the piecewise linear encoding is unbounded below there and
the last one above; here numbers are clipped to the range of the training rows first, within which
both are equal.
"""

import math
from collections.abc import Sequence

import torch
from einops import einsum
from torch import Tensor, nn


class LinearNumbers(nn.Module):
    """[B, K] -> u W_c, [B, K, dim]."""

    def __init__(self, columns: int, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(columns, dim))
        nn.init.uniform_(self.weight, -(dim**-0.5), dim**-0.5)

    def forward(self, u: Tensor) -> Tensor:
        """Embed numbers [B, K]."""
        embedded: Tensor = u[..., None] * self.weight
        return embedded


class PiecewiseLinearNumbers(nn.Module):
    """[B, K] -> u W_c + V_c e, [B, K, dim]; V_c = 0 at the start (version B of the source)."""

    def __init__(self, edges: Sequence[Sequence[float]], dim: int) -> None:
        super().__init__()
        self.linear = LinearNumbers(len(edges), dim)
        self.encoding = PiecewiseLinear(edges)
        self.weight = nn.Parameter(torch.zeros(len(edges), self.encoding.bins, dim))

    def forward(self, u: Tensor) -> Tensor:
        """Embed numbers [B, K]."""
        added: Tensor = einsum(self.encoding(u), self.weight, "b k t, k t d -> b k d")
        embedded: Tensor = self.linear(u) + added
        return embedded


class PiecewiseLinear(nn.Module):
    """e_t = clamp((u - b_{t-1}) / (b_t - b_{t-1}), 0, 1), [B, K] -> [B, K, T].

    Columns with fewer bins than others have zeros behind their own.
    """

    low: Tensor
    width: Tensor
    own: Tensor

    def __init__(self, edges: Sequence[Sequence[float]]) -> None:
        super().__init__()
        self.bins = max(len(one) for one in edges) - 1
        low, width = torch.zeros(len(edges), self.bins), torch.ones(len(edges), self.bins)
        own = torch.zeros(len(edges), self.bins, dtype=torch.bool)
        for k, one in enumerate(edges):
            bound = torch.tensor(one)
            count = len(one) - 1
            low[k, :count], width[k, :count] = bound[:-1], bound.diff()
            own[k, :count] = True
        for name, value in (("low", low), ("width", width), ("own", own)):
            self.register_buffer(name, value, persistent=False)  # they follow from what was fitted

    def forward(self, u: Tensor) -> Tensor:
        """Encode numbers [B, K]."""
        return ((u[..., None] - self.low) / self.width).clamp(0, 1) * self.own


class PeriodicNumbers(nn.Module):
    """[B, K] -> ReLU(A_c [cos 2 pi v_c u; sin 2 pi v_c u] + a_c), [B, K, dim].

    Args:
        columns: K.
        dim: width of a token.
        sigma: of the frequencies v_c at the start, which matters most, says the source. They are
            drawn from a normal distribution that is cut at 3 sigma.
        frequencies: of each column.
    """

    def __init__(self, columns: int, dim: int, sigma: float, frequencies: int = 48) -> None:
        super().__init__()
        self.frequency = nn.Parameter(torch.empty(columns, frequencies))
        nn.init.trunc_normal_(self.frequency, 0, sigma, -3 * sigma, 3 * sigma)
        self.weight = nn.Parameter(torch.empty(columns, 2 * frequencies, dim))
        self.bias = nn.Parameter(torch.empty(columns, dim))
        bound = (2 * frequencies) ** -0.5
        nn.init.uniform_(self.weight, -bound, bound)
        nn.init.uniform_(self.bias, -bound, bound)

    def forward(self, u: Tensor) -> Tensor:
        """Embed numbers [B, K]."""
        angle = 2 * math.pi * self.frequency * u[..., None]
        waves = torch.cat([angle.cos(), angle.sin()], dim=-1)
        return (einsum(waves, self.weight, "b k f, k f d -> b k d") + self.bias).relu()
