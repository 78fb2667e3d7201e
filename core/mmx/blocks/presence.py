"""What stands in the place of a missing modality, so that its content never gets through.

Content is taken out with ``masked_fill`` and ``where`` before any layer sees it: a product with a
zero mask would let NaN through, and a layer before the mask would let its gradient through.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mmx.errors import ShapeError
from mmx.interfaces import Features, FeatureShape


def real_tokens(features: Features) -> tuple[Tensor, Tensor]:
    """Tokens [B, N, D] with zeros wherever nothing real stands, and the mask [B, N] of the rest."""
    mask = features.mask & features.present[:, None]
    return features.tokens.masked_fill(~mask[..., None], 0), mask


def real_pooled(features: Features) -> Tensor:
    """Pooled vectors [B, D] with zeros in the rows whose modality is missing."""
    return features.pooled.masked_fill(~features.present[:, None], 0)


class LearnedPlaceholder(nn.Module):
    """A learned vector [D] in the place of a missing modality."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        # small, not zero: a LayerNorm of an exactly constant vector has a needlessly steep gradient
        self.vector = nn.Parameter(torch.randn(dim) * 0.02)

    def pooled(self, features: Features) -> Tensor:
        """Pooled vectors [B, D], the learned one where the modality is missing."""
        return self.instead_of(features.pooled, features.present)

    def instead_of(self, vectors: Tensor, present: Tensor) -> Tensor:
        """Vectors [B, D], replaced in the rows where ``present`` [B] is False."""
        return torch.where(present[:, None], vectors, self.vector.to(vectors.dtype))

    def tokens(self, features: Features) -> tuple[Tensor, Tensor]:
        """Tokens [B, N, D] and mask [B, N]; a missing modality is one token, the learned one."""
        kept, mask = real_tokens(features)
        first = torch.arange(kept.shape[1], device=kept.device) == 0
        here = first & ~features.present[:, None]
        return torch.where(here[..., None], self.vector.to(kept.dtype), kept), mask | here


def same_width(method: str, *shapes: FeatureShape) -> int:
    """The common width of all modalities.

    Raises:
        ShapeError: the widths differ.
    """
    widths = [shape.dim for shape in shapes]
    if len(set(widths)) != 1:
        raise ShapeError(
            f"fusion.{method} needs features of the same width from all modalities, got "
            f"{', '.join(map(str, widths))}; set model.projection to a width, such as 256"
        )
    return widths[0]


def either_present(*features: Features) -> Tensor:
    """[B], bool: samples of which at least one modality is there."""
    return torch.stack([one.present for one in features]).any(dim=0)


def fused_vector(
    fused: Tensor,
    *features: Features,
    parts: Mapping[str, Tensor],
    explain: Mapping[str, Tensor] | None = None,
    penalties: Mapping[str, Tensor] | None = None,
) -> Features:
    """Result of a fusion to one vector per sample: pooled [B, D] and the same as a single token.

    Args:
        fused: [B, D].
        features: of all modalities that went in; a sample without any is not present.
        parts: the stream of each modality by its name.
        explain: gates, attention and the like.
        penalties: scalars that are added to the loss.
    """
    return Features(
        fused[:, None],
        torch.ones(len(fused), 1, dtype=torch.bool, device=fused.device),
        fused,
        present=either_present(*features),
        parts=parts,
        explain={name: value.detach() for name, value in (explain or {}).items()},
        penalties=penalties or {},
    )
