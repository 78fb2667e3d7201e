"""Modality dropout: some training samples lose some of their modalities, never all.

Source: Neverova et al. 2015, ModDrop, arXiv:1501.00102 (which may drop every modality).
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


class ModalityDropout:
    """What ``train.modality_dropout`` says, for modalities in this order.

    Args:
        share: of the samples that lose some modalities, or modality -> share that loses it.
        names: of the M modalities.
    """

    def __init__(self, share: float | Mapping[str, float], names: Sequence[str]) -> None:
        self.share: float | Tensor
        if isinstance(share, Mapping):
            self.share = torch.tensor([share.get(name, 0.0) for name in names])
        else:
            self.share = share
        self.width = len(names) + 1 if isinstance(share, Mapping) else 2

    def draw(self, samples: int, generator: torch.Generator) -> Tensor:
        """Draws for ``__call__``, uniform in [0, 1), first axis B."""
        return torch.rand(samples, self.width, generator=generator)

    def __call__(self, present: Tensor, draws: Tensor) -> Tensor:
        """[B, M], bool: what is left of ``present`` [B, M]."""
        if isinstance(self.share, Tensor):
            return drop_each(present, draws, self.share)
        return drop_modalities(present, draws, self.share)


def drop_modalities(present: Tensor, draws: Tensor, share: float) -> Tensor:
    """Mark some modalities of some samples as missing.

    A sample that loses any of its n modalities loses one of the 2^n - 2 sets that are neither empty
    nor all, each with the same chance: of two, one of them.

    Args:
        present: [B, M], bool.
        draws: [B, 2], uniform in [0, 1): whether a sample loses some, and which.
        share: of the samples that lose some, in [0, 1].

    Returns:
        [B, M], bool. A sample with one modality keeps it.
    """
    count = present.sum(dim=1)
    loses = (draws[:, 0] < share) & (count > 1)
    lost = (draws[:, 1] * (2.0**count - 2)).long() + 1  # bit k: whether the k-th present one goes
    bit = (present.cumsum(dim=1) - 1).clamp(min=0)
    return present & ~(loses[:, None] & ((lost[:, None] >> bit) & 1).bool())


def drop_each(present: Tensor, draws: Tensor, shares: Tensor) -> Tensor:
    """Mark each modality as missing with a chance of its own.

    Args:
        present: [B, M], bool.
        draws: [B, M + 1], uniform in [0, 1): whether a sample loses each, and which one it keeps
            where it would lose all.
        shares: [M], in [0, 1): of the samples that lose a modality.

    Returns:
        [B, M], bool. A sample that would lose all that it has keeps one, each with the same chance.
    """
    kept = present & (draws[:, :-1] >= shares.to(draws.device))
    chosen = (draws[:, -1] * present.sum(dim=1)).long()  # of those that are there
    spared = present & (present.cumsum(dim=1) - 1 == chosen[:, None])
    return torch.where(kept.any(dim=1, keepdim=True), kept, spared)
