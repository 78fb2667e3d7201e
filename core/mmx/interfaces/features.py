"""Features: the one type between encoders, fusions and heads.

Axes, everywhere in mmx: B samples of a batch, V views (images of one sample), N and M tokens,
D channels, C classes, H and W pixels.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from mmx.errors import ShapeError

NOTHING: Mapping[str, Tensor] = {}


@dataclass(frozen=True, slots=True)
class FeatureShape:
    """Widths that an encoder promises before it runs.

    Attributes:
        dim: channels of tokens and pooled.
        level_dims: channels of each level, from shallow to deep; empty when there are none.
        grid: whether tokens are the map of an image, row by row, which may be pooled to a smaller
            one; the assembler says so of encoders of images.
    """

    dim: int
    level_dims: tuple[int, ...] = ()
    grid: bool = False


@dataclass(frozen=True, slots=True)
class Features:
    """Features of one modality, or of both after fusion, for one batch.

    Attributes:
        tokens: [B, N, D], floating point.
        mask: [B, N], bool; True marks a real token.
        pooled: [B, D]; the masked mean of the tokens when not given.
        levels: features of intermediate layers, from shallow to deep; may be empty.
        present: [B], bool; False: this modality is missing for that sample. Samples without a real
            token are missing in any case.
        parts: named pooled streams [B, D'] that a small head can stand on.
        explain: gates, attention and the like; detached, never trained, first axis B.
        penalties: scalars that are added to the loss, already weighted.
    """

    tokens: Tensor
    mask: Tensor
    # None only until __post_init__; declared as Tensor so that readers need no check
    pooled: Tensor = None  # type: ignore[assignment]
    levels: tuple["Features", ...] = ()
    present: Tensor = None  # type: ignore[assignment]
    parts: Mapping[str, Tensor] = field(default_factory=dict)
    explain: Mapping[str, Tensor] = field(default_factory=dict)
    penalties: Mapping[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the shapes and fill in what follows from tokens and mask."""
        if self.tokens.ndim != 3:
            raise ShapeError(f"tokens must be [B, N, D], got {list(self.tokens.shape)}")
        want = list(self.tokens.shape[:2])
        if list(self.mask.shape) != want or self.mask.dtype != torch.bool:
            got = f"{list(self.mask.shape)} of {self.mask.dtype}"
            raise ShapeError(f"mask must be [B, N] = {want} of torch.bool, got {got}")
        if self.pooled is None:
            object.__setattr__(self, "pooled", masked_mean(self.tokens, self.mask))
        elif self.pooled.ndim != 2 or len(self.pooled) != want[0]:
            raise ShapeError(f"pooled must be [B = {want[0]}, D], got {list(self.pooled.shape)}")
        real = self.mask.any(dim=1)
        object.__setattr__(self, "present", real if self.present is None else self.present & real)

    def with_present(self, present: Tensor) -> "Features":
        """The same features, missing also where ``present`` [B] is False; levels follow."""
        kept = self.present & present
        levels = tuple(level.with_present(present) for level in self.levels)
        return replace(self, present=kept, levels=levels)

    @classmethod
    def of_pooled(cls, pooled: Tensor, present: Tensor | None = None) -> "Features":
        """Features of vectors [B, D]: one token each (the rule of tokens)."""
        mask = torch.ones(len(pooled), 1, dtype=torch.bool, device=pooled.device)
        return cls(pooled[:, None], mask, pooled, present=present)  # type: ignore[arg-type]


def masked_mean(tokens: Tensor, mask: Tensor) -> Tensor:
    """Mean over the real tokens.

    Args:
        tokens: [B, N, D].
        mask: [B, N], bool; True marks a real token.

    Returns:
        [B, D]; zeros for a sample without a real token. What stands at masked places never matters.
    """
    kept = tokens.masked_fill(~mask[..., None], 0)
    count = mask.sum(dim=1, keepdim=True).clamp(min=1)  # an empty row would divide by zero
    return kept.sum(dim=1) / count.to(kept.dtype)
