"""Weighted sampling: rare classes are drawn more often, with replacement.

P(i) is proportional to n_y ** -q for a sample of class y with n_y samples: one weight per sample.
q = 0 draws all samples alike, q = 1 draws all classes alike. With ``by_group`` first a group (a
lesion, say) is drawn with n_y counting groups, then one of its samples.

Pitfall: q = 1 on HAM10000 draws each df image about 12 times per epoch and misses 81 % of nv.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from mmx import Params, Sampler, SamplerParams, hookimpl
from mmx.errors import DataError


class WeightedParams(SamplerParams):
    """Rare classes are drawn more often, with replacement."""

    tasks: ClassVar[frozenset[str]] = frozenset({"single_label", "ordinal"})
    instead: ClassVar[Mapping[str, str]] = {
        "multi_label": "weights of rows are no weights of labels, for a row has several; use loss: "
        "class_balanced_bce or loss: logit_adjusted_bce"
    }

    type: Literal["weighted"] = "weighted"
    q: float = Field(
        default=0.5, ge=0, le=1, description="0: all samples alike; 1: all classes alike"
    )
    by_group: bool = Field(default=False, description="draw a group first, then one of its samples")
    max_repeats: float | None = Field(
        default=None,
        ge=1,
        description="most draws of one sample in an epoch, on average; null: any",
    )

    @property
    def rebalances(self) -> bool:
        return self.q > 0

    def build(self, labels: Tensor, seed: int) -> "WeightedSampler":
        return WeightedSampler(labels, seed, self.q, self.by_group, self.max_repeats)


class WeightedSampler(Sampler):
    """n draws with replacement per epoch.

    Args:
        labels: [n], int64.
        seed: of all epochs.
        q: strength of the correction, in [0, 1].
        by_group: draw groups before samples; needs ``set_groups``.
        max_repeats: largest expected number of draws of one sample in an epoch, >= 1.
    """

    def __init__(
        self, labels: Tensor, seed: int, q: float, by_group: bool, max_repeats: float | None
    ) -> None:
        self.labels = labels
        self.seed = seed
        self.q = q
        self.by_group, self.max_repeats = by_group, max_repeats
        self._probabilities = None if by_group else self._capped(sample_weights(labels, q))

    def set_groups(self, groups: Sequence[str]) -> None:
        """Take the group of each row; only ``by_group`` looks at them."""
        if self.by_group:
            self._probabilities = self._capped(group_weights(self.labels, groups, self.q))

    @property
    def probabilities(self) -> Tensor:
        """[n], float64: of drawing each row; they sum to 1."""
        if self._probabilities is None:
            raise DataError("a weighted sampler by_group needs the groups; call set_groups first")
        return self._probabilities

    def _capped(self, weights: Tensor) -> Tensor:
        limit = 1.0 if self.max_repeats is None else self.max_repeats / len(weights)
        return capped(weights / weights.sum(), limit)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed + 1_000_003 * self.epoch)
        uniform = torch.rand(len(self), generator=generator, dtype=torch.float64)
        # by inversion, as torch.multinomial ends at 2**24 rows
        drawn = torch.searchsorted(self.probabilities.cumsum(0), uniform, right=True)
        return iter(drawn.clamp(max=len(self) - 1).tolist())  # the sum may round to below 1

    def __len__(self) -> int:
        return len(self.labels)

    def expected_counts(self, class_counts: Tensor) -> Tensor:
        """Expected class counts [C] of an epoch, float32."""
        shares = torch.bincount(self.labels, self.probabilities, minlength=len(class_counts))
        return (shares * class_counts.sum()).to(torch.float32)


def sample_weights(labels: Tensor, q: float) -> Tensor:
    """n_y ** -q for each sample, [n], float64."""
    return torch.pow(labels.bincount().double()[labels], -q)


def group_weights(labels: Tensor, groups: Sequence[str], q: float) -> Tensor:
    """Weights [n] of samples when groups are drawn first: g_y ** -q / size of the group.

    A group has the class of its samples; where they differ, each class of it counts as a group.
    """
    if len(groups) != len(labels):
        raise DataError(f"{len(groups)} groups for {len(labels)} rows")
    number = {name: index for index, name in enumerate(dict.fromkeys(groups))}
    pairs = torch.stack([labels, torch.tensor([number[name] for name in groups])], dim=1)
    found, member, size = torch.unique(pairs, dim=0, return_inverse=True, return_counts=True)
    groups_of_class = found[:, 0].bincount().double()
    return torch.pow(groups_of_class[labels], -q).div(size[member])


def capped(probabilities: Tensor, limit: float) -> Tensor:
    """Cut probabilities [n] at ``limit`` and share the rest among the others, in proportion."""
    fixed = torch.zeros_like(probabilities, dtype=torch.bool)
    result = probabilities
    while bool((over := (result > limit * (1 + 1e-12)) & ~fixed).any()):
        fixed |= over
        free = torch.where(fixed, 0, probabilities)
        left = 1 - limit * fixed.sum()
        result = torch.where(fixed, limit, free * left / free.sum().clamp(min=1e-300))
    return result


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [WeightedParams]
