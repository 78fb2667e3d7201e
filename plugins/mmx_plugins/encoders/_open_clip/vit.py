"""The ViT of open_clip: tokens behind the last norm, a pooled vector before the projection.

In a CoCa queries attend to the patches first: the first one is pooled, the others are the tokens,
which its decoder of texts reads.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmx_plugins.encoders._open_clip.trunk import ImageTrunk, depths, linear_of


class Vit(ImageTrunk):
    """Pixels [B, 3, H, W] -> tokens [B, N, D] of patches, pooled [B, D], levels before the last."""

    def __init__(self, visual: Any, fractions: Sequence[float]) -> None:
        super().__init__()
        self.visual = visual
        self.depths = depths(fractions, len(visual.transformer.resblocks))
        self.dim = int(visual.ln_post.normalized_shape[0])
        self.level_dims = (int(visual.transformer.width),) * len(self.depths)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Sequence[Tensor]]:
        """The class token stands first in the library's sequence."""
        last = len(self.visual.transformer.resblocks) - 1
        found = self.visual.forward_intermediates(
            pixels, indices=[*(depth - 1 for depth in self.depths), last], output_fmt="NLC",
            output_extra_tokens=True, intermediates_only=True,
        )  # fmt: skip
        *levels, patches = found["image_intermediates"]
        first = found["image_intermediates_prefix"][-1]
        if self.visual.attn_pool is not None:
            asked = self.visual.attn_pool(torch.cat([first, patches], dim=1))
            first, patches = asked[:, :1], asked[:, 1:]
        behind = self.visual.ln_post(patches)
        return behind, self._pooled(first, patches, behind), levels

    def _pooled(self, first: Tensor, patches: Tensor, behind: Tensor) -> Tensor:
        """The class token, or the mean of the patches, behind the last norm."""
        norm = self.visual.ln_post
        if self.visual.pool_type == "tok":
            pooled: Tensor = norm(first)[:, 0]
        elif self.visual.final_ln_after_pool and self.visual.attn_pool is None:
            pooled = norm(patches.mean(dim=1))
        else:
            pooled = behind.mean(dim=1)
        return pooled

    def take_projection(self) -> nn.Module:
        """Take the projection off and give it."""
        matrix = self.visual.proj
        self.visual.proj = None
        return linear_of(matrix)

    def last_stage(self) -> Iterable[nn.Module]:
        """The last block, the queries of a CoCa and the norm behind it."""
        pool = [] if self.visual.attn_pool is None else [self.visual.attn_pool]
        return [self.visual.transformer.resblocks[-1], *pool, self.visual.ln_post]
