"""Texts in the space of an encoder's pooled vectors, so that an image is compared with them.

Sources: Radford et al. 2021, arXiv:2103.00020 (CLIP); Zhai et al. 2023, arXiv:2303.15343 (SigLIP).
"""

from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor
from torch.nn.functional import normalize

from mmx.interfaces.inputs import TokenCount


@dataclass(frozen=True, slots=True)
class EncodedPrompts:
    """Prompts as a model of images and texts compares them with images.

    Attributes:
        vectors: [P, D], floating point; their length plays no part.
        scale: what a cosine is multiplied by.
        bias: what is added then, where the sigmoid of the sum is the probability that a prompt fits
            (SigLIP); None where prompts are compared with one another by a softmax (CLIP).
        count: how much of each prompt was read; None: it was not counted.
    """

    vectors: Tensor
    scale: float
    bias: float | None = None
    count: TokenCount | None = None

    def of_classes(self, classes: int) -> "EncodedPrompts":
        """One vector [C, D] a class: the mean over its prompts, each of them of length 1.

        Args:
            classes: C; prompts stand class by class, as many for each.
        """
        each = rearrange(normalize(self.vectors, dim=-1), "(c t) d -> c t d", c=classes)
        return EncodedPrompts(each.mean(dim=1), self.scale, self.bias)

    def logits(self, pooled: Tensor) -> Tensor:
        """[B, P] = scale * cos(pooled, vectors) + bias, of pooled vectors [B, D] of images.

        A vector of zeros is as near to each prompt as to any other.
        """
        images = normalize(pooled, dim=-1)
        cosines = torch.einsum("bd,pd->bp", images, normalize(self.vectors, dim=-1))
        return self.scale * cosines + (self.bias or 0.0)
