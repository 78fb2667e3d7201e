"""Modality dropout: some training samples lose their image or their text, never both.

Source: Neverova et al. 2015, ModDrop, arXiv:1501.00102 (which may drop every side).
"""

import torch
from torch import Tensor


def drop_modalities(present: Tensor, draws: Tensor, share: float) -> Tensor:
    """Mark one modality of some samples as missing.

    Args:
        present: [B, 2], bool: image, text.
        draws: [B, 2], uniform in [0, 1): whether a sample loses a side, and which.
        share: of the samples that lose one side, in [0, 1]; either side with the same chance.

    Returns:
        [B, 2], bool. A sample with one modality keeps it.
    """
    loses = (draws[:, 0] < share) & present.all(dim=1)
    image = draws[:, 1] < 0.5
    return present & ~torch.stack([loses & image, loses & ~image], dim=1)
