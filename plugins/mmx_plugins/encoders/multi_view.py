"""Image encoder: views of a sample that read each other by cross-attention.

The tokens of each view attend to those of all other views, with one set of weights and a residual;
the result is the mean over the views. Views are the sample's photographs, or crops or flips of
each. Its use here is unverified. Source of the attention: Vaswani et al. 2017, arXiv:1706.03762.
"""

from collections.abc import Sequence
from typing import Any, Literal, cast

import torch
from einops import rearrange, reduce, repeat
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from mmx import (
    Backbone,
    DataError,
    Features,
    FeatureShape,
    Images,
    Params,
    Seen,
    WrappingEncoder,
    WrappingParams,
    hookimpl,
)
from mmx.blocks import (
    Attention,
    attention_weights,
    cut,
    masked_attention,
    merge_heads,
    real_first,
    split_heads,
    turned,
    unit_pixels,
)

FLIPS = ("identity", "hflip", "vflip", "rot180")
CROPS = ((0, 0, 1, 1), (0, 0, 0.7, 0.7), (0.3, 0, 1, 0.7), (0, 0.3, 0.7, 1), (0.3, 0.3, 1, 1))


class MultiViewParams(WrappingParams):
    """Settings of attention between views."""

    source = "Vaswani et al. 2017, arXiv:1706.03762"

    type: Literal["multi_view"] = "multi_view"
    backbone: Backbone = Field(
        default=cast(Any, "timm"),  # checked like what is given
        validate_default=True,
        description="encoder of each view",
    )
    views: Literal["photos", "crops", "flips"] = Field(
        default="photos",
        description="the images as they are; or each whole and its four corners; or each mirrored "
        "(only where a mirrored image has the same diagnosis)",
    )
    layers: PositiveInt = Field(default=1, description="of attention")
    heads: PositiveInt = Field(default=4, description="they divide the width")
    width: PositiveInt = Field(default=256, description="of all heads together, channels")
    view_embedding: bool = Field(
        default=False, description="tell the views apart by place; the order then matters"
    )
    longest: PositiveInt = Field(default=32, description="most views that an embedding knows")

    def build(self) -> "MultiView":
        return MultiView(self, self.backbone.build())


class MultiView(WrappingEncoder):
    """[B, U, 3, H, W] -> tokens [B, V * N, D], pooled [B, D].

    ``pooled`` is the mean over the views of the backbone's pooled vector plus the mean of what
    attention added to the view's tokens. It adds nothing at the start, and never to a view alone.
    """

    def __init__(self, params: MultiViewParams, backbone: Any) -> None:
        super().__init__(backbone)
        self.shape = FeatureShape(backbone.shape.dim)
        self.kind = params.views
        self.recipe = "" if self.kind == "photos" else f"multi_view {self.kind}"
        self.copies = {"photos": 1, "flips": len(FLIPS), "crops": len(CROPS)}[self.kind]
        self.layers = nn.ModuleList(
            OtherViews(self.shape.dim, params.heads, params.width) for _ in range(params.layers)
        )
        self.embedding = (
            nn.Parameter(torch.zeros(params.longest, self.shape.dim))
            if params.view_embedding
            else None
        )

    def check_views(self, most: int) -> None:
        known = None if self.embedding is None else len(self.embedding)
        if known is not None and most * self.copies > known:
            raise DataError(
                f"samples have up to {most * self.copies} views and the embedding of "
                f"encoder.multi_view knows {known}; set longest: {most * self.copies}"
            )

    def needs(self, reads: frozenset[str]) -> frozenset[str]:
        return frozenset({"pooled", "tokens"})

    def view_mask(self, mask: Tensor) -> Tensor:
        return repeat(mask, "b u -> b (u k)", k=self.copies)

    def views(self, images: Images) -> Images:
        if self.kind == "photos":
            return images
        plain = Images(unit_pixels(images.pixels), images.mask)
        if self.kind == "flips":
            shown = [turned(plain, name).pixels for name in FLIPS]
        else:
            shown = [cut(plain, window).pixels for window in CROPS]
        return Images(rearrange(shown, "k b u c h w -> b (u k) c h w"), self.view_mask(images.mask))

    def combine(self, seen: Seen) -> Features:
        tokens, looked = seen.tokens, torch.zeros_like(seen.mask, dtype=torch.float32)
        rows = (seen.mask.sum(dim=1) > 1).nonzero().flatten()  # a view alone has none to read
        if len(rows):
            order = real_first(seen.mask)[rows, : int(seen.mask.sum(dim=1).max())]
            at = (rows[:, None], order)
            read, share = self._read(tokens[at], seen.token_mask[at], order)
            tokens = tokens.index_put(at, read)
            looked = looked.index_put(at, share)
        added = _mean(tokens - seen.tokens, seen.token_mask)
        return Features(
            rearrange(tokens, "b v n d -> b (v n) d"),
            rearrange(seen.token_mask, "b v n -> b (v n)"),
            _mean(seen.pooled + added, seen.mask),
            explain={"view attention": looked},
        )

    def _read(self, x: Tensor, mask: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens [R, V, N, D] after all layers, and how much the first looks at each view."""
        where = None if self.embedding is None else self.embedding[places][:, :, None]
        looked = x.new_zeros(x.shape[:2])
        if not self.training:  # costs as much as the attention itself
            looked = cast(OtherViews, self.layers[0]).looked(x, mask, where).float()
        for layer in self.layers:
            x = layer(x, mask, where)
        return x, looked


class OtherViews(nn.Module):
    """Pre-norm attention of each view's tokens to those of the other views, added to them."""

    def __init__(self, dim: int, heads: int, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.attention = Attention(dim, dim, heads, width=width)
        nn.init.zeros_(self.attention.out.weight)  # starts as the mean over the views
        nn.init.zeros_(self.attention.out.bias)

    def forward(
        self, x: Tensor, mask: Tensor, where: Tensor | None = None, apart: Tensor | None = None
    ) -> Tensor:
        """Update [B, V, N, D] with mask [B, V, N].

        Args:
            x: tokens of each view.
            mask: True marks a real token.
            where: [B, V, 1, D], added to what is read; None: views are not told apart.
            apart: [V, V], bool; True where a view may read another; None: all but itself.
        """
        q, k, v, readable = self._split(x, mask, where, apart)
        mixed = merge_heads(masked_attention(q, k, v, readable))
        result = rearrange(self.attention.out(mixed), "(b v) n d -> b v n d", v=x.shape[1])
        some = rearrange(readable.any(dim=1), "(b v) -> b v 1 1", v=x.shape[1])
        added: Tensor = result.masked_fill(~(some & mask[..., None]), 0)
        return x + added

    @torch.no_grad()
    def looked(self, x: Tensor, mask: Tensor, where: Tensor | None = None) -> Tensor:
        """[B, V], share of the others' attention that falls on each view; sums to 1."""
        q, k, _, readable = self._split(x, mask, where, None)
        views = x.shape[1]
        weights = attention_weights(q, k, readable)  # [B*V, N, V*N]
        each = reduce(weights, "(b v) n (u m) -> b v n u", "sum", v=views, u=views)
        total = reduce(each * mask[..., None], "b v n u -> b u", "sum")
        return total / total.sum(dim=1, keepdim=True).clamp(min=1e-6)

    def _split(
        self, x: Tensor, mask: Tensor, where: Tensor | None, apart: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Queries [B*V, H, N, d], keys and values [B*V, H, V*N, d], and mask [B*V, V*N]."""
        views, heads = x.shape[1], self.attention.heads
        read = self.norm(x)
        read = read if where is None else read + where
        q = split_heads(rearrange(self.attention.query(read), "b v n d -> (b v) n d"), heads)
        both = rearrange(self.attention.key_value(read), "b u n d -> b (u n) d")
        k, v = (
            repeat(split_heads(one, heads), "b h m d -> (b v) h m d", v=views)
            for one in both.chunk(2, dim=-1)
        )
        if apart is None:
            apart = ~torch.eye(views, dtype=torch.bool, device=x.device)
        readable = rearrange(mask[:, None] & apart[..., None], "b v u n -> (b v) (u n)")
        return q, k, v, readable


def _mean(x: Tensor, mask: Tensor) -> Tensor:
    """Mean over the last axis N of the mask, of x [..., N, D]; zeros where nothing is real."""
    kept: Tensor = x.masked_fill(~mask[..., None], 0).sum(dim=-2)
    return kept / mask.sum(dim=-1, keepdim=True).clamp(min=1)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [MultiViewParams]
