"""Shared and specific features (ShaSpec): what modalities share stands in for one that is missing.

The release has one shared encoder for all modalities, takes the first shared vector there is (the
average is commented out) and counts rows without a modality in its penalties; here one projection
is shared, the mean over present modalities stands in, and penalties see present ones only.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import ClassVar, Literal

import torch
from pydantic import Field, NonNegativeFloat
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from mmx import Features, FeatureShape, Fusion, FusionParams, Params, hookimpl
from mmx.blocks import PerModality, fused_vector, real_pooled, same_width


class ShaspecParams(FusionParams):
    """Splits each modality into what it shares and what is its own."""

    type: Literal["shaspec"] = "shaspec"
    source: ClassVar[str] = "Wang et al. 2023, ShaSpec, arXiv:2307.14126"
    takes: ClassVar[tuple[int, int | None]] = (1, None)
    equal_widths: ClassVar[bool] = True

    alignment: NonNegativeFloat = Field(
        default=0.1, description="weight of the distance between shared vectors"
    )
    domain: NonNegativeFloat = Field(
        default=0.02, description="weight of telling the modality from its specific vector"
    )

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"pooled"})

    def build(self, shapes: Mapping[str, FeatureShape]) -> "Shaspec":
        width = same_width("shaspec", *shapes.values())
        return Shaspec(tuple(shapes), width, self.dim, alignment=self.alignment, domain=self.domain)


class Shaspec(Fusion):
    """s_m = S x_m, r_m = R_m x_m, f_m = s_m + U [s_m; r_m], f = Linear([f_1; ...; f_M]).

    [B, D] each -> [B, dim]. U starts at 0. For a missing modality f_m is the mean of s_j over
    present j. Penalties, over present modalities alone: ``alignment`` times the mean distance
    |s_i - s_j| per channel, ``domain`` times the cross-entropy of m given r_m.
    """

    def __init__(
        self,
        modalities: Sequence[str],
        width: int,
        dim: int,
        *,
        alignment: float = 0.1,
        domain: float = 0.02,
    ) -> None:
        super().__init__()
        self.dim = dim
        self.alignment = alignment
        self.domain = domain
        self.shared = nn.Linear(width, dim)
        self.specific = PerModality({name: nn.Linear(width, dim) for name in modalities})
        self.both = nn.Linear(2 * dim, dim, bias=False)
        nn.init.zeros_(self.both.weight)
        self.tell = nn.Linear(dim, len(modalities))
        self.out = nn.Linear(len(modalities) * dim, dim)

    def forward(self, features: Mapping[str, Features]) -> Features:
        x = {name: real_pooled(one) for name, one in features.items()}
        present = torch.stack([one.present for one in features.values()], dim=1)  # [B, M]
        here = present[..., None]
        s = torch.stack([self.shared(vector) for vector in x.values()], dim=1)  # [B, M, dim]
        r = torch.stack([self.specific[name](vector) for name, vector in x.items()], dim=1)
        mean = s.masked_fill(~here, 0).sum(dim=1) / here.sum(dim=1).clamp(min=1)
        own = s + self.both(torch.cat([s, r], dim=-1))
        fused = self.out(torch.where(here, own, mean[:, None]).flatten(1))
        penalties = {
            "alignment": self.alignment * _distance(s, present),
            "domain": self.domain * _told_apart(self.tell(r), present),
        }
        return fused_vector(fused, *features.values(), parts=x, penalties=penalties)


def _distance(s: Tensor, present: Tensor) -> Tensor:
    """Mean |s_i - s_j| per channel of s [B, M, D], over the pairs that are present; 0 of none."""
    gaps, pairs = [], []
    for i, j in combinations(range(s.shape[1]), 2):
        both = present[:, i] & present[:, j]
        gaps.append((s[:, i] - s[:, j]).abs().mean(dim=-1).masked_fill(~both, 0))
        pairs.append(both)
    if not gaps:
        return s.new_zeros(())
    return torch.stack(gaps).sum() / torch.stack(pairs).sum().clamp(min=1)


def _told_apart(logits: Tensor, present: Tensor) -> Tensor:
    """Mean cross-entropy of m given logits [B, M, M] of its specific vector, over present ones."""
    which = torch.arange(logits.shape[1], device=logits.device).expand(len(logits), -1)
    entropy = cross_entropy(logits.flatten(0, 1), which.flatten(), reduction="none")
    return entropy.masked_fill(~present.flatten(), 0).sum() / present.sum().clamp(min=1)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [ShaspecParams]
