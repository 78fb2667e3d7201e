"""How much of an answer each modality carries: Shapley values, exact for few, sampled for many.

v(S) is the probability of the answer when only the modalities S are there. The share of a modality
is what it adds to v, averaged over all orders in which modalities may come one after another; so
the shares add up to v(all) - v(none), one that never changes v has 0, and two that may change
places without changing v have the same.

Source: Shapley 1953, A Value for n-Person Games; by sampled orders: Castro, Gomez, Tejada 2009,
doi:10.1016/j.cor.2008.04.004; each with its reverse: Mitchell et al. 2022, arXiv:2104.12199.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import factorial, sqrt

import numpy as np
import torch
from torch import Tensor

Kept = frozenset[str]
"""Names of the modalities that are there."""

EXACT = 5  # modalities; beyond it 2^M passes cost more than sampled orders
PAIRS, SEED = 12, 0  # of orders and their reverses: the same for every row, model and run


@dataclass(frozen=True, slots=True)
class Shares:
    """Shapley values of some rows.

    Attributes:
        values: [n] by modality.
        pairs: [P, n] by modality, what each sampled pair of orders says, whose mean the value is;
            empty where values are exact.
    """

    values: Mapping[str, Tensor]
    pairs: Mapping[str, Tensor]

    @property
    def errors(self) -> dict[str, Tensor]:
        """[n] by modality, the standard error of a sampled value; empty where they are exact."""
        return {name: _error(of_pairs) for name, of_pairs in self.pairs.items()}

    def means(self) -> dict[str, tuple[float, float]]:
        """Mean over the rows and its standard error from sampling, 0 where it is exact.

        All rows share their orders, so the error of the mean is no smaller for more rows.
        """
        return {
            name: (
                float(values.mean()),
                float(_error(self.pairs[name].mean(dim=1))) if name in self.pairs else 0.0,
            )
            for name, values in self.values.items()
        }


def kept_for_shares(names: Sequence[str]) -> list[Kept]:
    """Which sets of modalities must be asked about, all of them first, none last."""
    if len(names) <= EXACT:
        sizes = range(len(names), -1, -1)
        return [frozenset(some) for size in sizes for some in combinations(names, size)]
    asked = dict.fromkeys(kept for order in _orders(names) for kept in _growing(order))
    return sorted(asked, key=lambda kept: (-len(kept), sorted(kept)))


def shapley(values: Mapping[Kept, Tensor], names: Sequence[str]) -> Shares:
    """Shapley values from v of the sets that ``kept_for_shares`` names.

    Args:
        values: [n] by what was there.
        names: the M modalities.
    """
    if len(names) <= EXACT:
        return Shares({name: _exact(values, name, names) for name in names}, {})
    gains = [_gains(values, order) for order in _orders(names)]
    added = {name: torch.stack([one[name] for one in gains]) for name in names}  # [2 PAIRS, n]
    pairs = {name: (both[0::2] + both[1::2]) / 2 for name, both in added.items()}
    return Shares({name: of_pairs.mean(dim=0) for name, of_pairs in pairs.items()}, pairs)


def _error(of_pairs: Tensor) -> Tensor:
    """Standard error of the mean over the first axis."""
    return of_pairs.std(dim=0) / sqrt(len(of_pairs))


def _exact(values: Mapping[Kept, Tensor], name: str, names: Sequence[str]) -> Tensor:
    """sum over S without the modality of |S|! (M - |S| - 1)! / M! (v(S with it) - v(S))."""
    others, many = [other for other in names if other != name], len(names)
    total = torch.zeros_like(values[frozenset()])
    for size in range(many):
        weight = factorial(size) * factorial(many - size - 1) / factorial(many)
        for some in combinations(others, size):
            without = frozenset(some)
            total = total + weight * (values[without | {name}] - values[without])
    return total


def _orders(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Orders of the modalities, each followed by its reverse."""
    draw = np.random.default_rng(SEED)
    indices: list[list[int]] = [draw.permutation(len(names)).tolist() for _ in range(PAIRS)]
    both = (order for one in indices for order in (one, one[::-1]))
    return [tuple(names[index] for index in order) for order in both]


def _growing(order: Sequence[str]) -> list[Kept]:
    """What is there when modalities come in this order: none, the first, ..., all."""
    return [frozenset(order[:count]) for count in range(len(order) + 1)]


def _gains(values: Mapping[Kept, Tensor], order: Sequence[str]) -> dict[str, Tensor]:
    """[n] by modality: what each adds when they come in this order."""
    steps = pairwise(_growing(order))
    return {
        name: values[after] - values[before]
        for name, (before, after) in zip(order, steps, strict=True)
    }
