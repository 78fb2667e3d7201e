"""The ResNet of the first CLIP, which pools by attention: RN50 and its relatives, PMC-CLIP."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from mmx_plugins.encoders._open_clip.trunk import ImageTrunk


class Resnet(ImageTrunk):
    """Pixels [B, 3, H, W] -> tokens [B, N, D], pooled [B, D], the maps of stages 2 and 3.

    The pooled vector is a weighted mean, head by head, of values: linear maps of each place of the
    last map and of their mean. Tokens are the values of the places, so the projection takes both
    into the space of texts (Zhou et al. 2022, MaskCLIP, arXiv:2112.01071).
    """

    def __init__(self, visual: Any) -> None:
        super().__init__()
        self.visual = visual
        last = visual.layer4[-1].conv3.out_channels
        self.dim = int(last)
        self.level_dims = (self.dim // 4, self.dim // 2)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Sequence[Tensor]]:
        """The mean of all places asks, and stands first among those that are asked."""
        found = self.visual.forward_intermediates(
            pixels, indices=[2, 3, 4], intermediates_only=True
        )["image_intermediates"]
        second, third, places = (rearrange(one, "b c h w -> b (h w) c") for one in found)
        pool = self.visual.attnpool
        whole = torch.cat([places.mean(dim=1, keepdim=True), places], dim=1)
        whole = whole + pool.positional_embedding
        values = pool.v_proj(whole)
        asked = (pool.q_proj(whole[:, :1]), pool.k_proj(whole), values)
        heads = (rearrange(one, "b n (h d) -> b h n d", h=pool.num_heads) for one in asked)
        pooled = rearrange(scaled_dot_product_attention(*heads), "b h 1 d -> b (h d)")
        return values[:, 1:], pooled, (second, third)

    def take_projection(self) -> nn.Module:
        """Take the projection off and give it."""
        projection: nn.Module = self.visual.attnpool.c_proj
        self.visual.attnpool.c_proj = nn.Identity()
        return projection

    def last_stage(self) -> Iterable[nn.Module]:
        """The last stage and the attention behind it."""
        return [self.visual.layer4, self.visual.attnpool]
