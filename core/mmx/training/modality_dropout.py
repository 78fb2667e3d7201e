"""Modality dropout: some training samples lose some of their modalities, never all.

Source: Neverova et al. 2015, ModDrop, arXiv:1501.00102 (which may drop every modality).
"""

from torch import Tensor


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
