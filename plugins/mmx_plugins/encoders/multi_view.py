"""Image encoder: views of a sample that read each other by cross-attention.

The tokens of each view attend to those of all other views, with one set of weights and a residual;
the result is the mean over the views. Views are the sample's photographs, or crops or flips of
each. Its use here is unverified. Source of the attention: Vaswani et al. 2017, arXiv:1706.03762.
"""

from collections.abc import Sequence
from typing import Literal, cast

import torch
from einops import rearrange, reduce, repeat
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from mmx import (
    Backbone,
    DataError,
    Encoder,
    EncoderParams,
    Features,
    FeatureShape,
    Images,
    Params,
    hookimpl,
)
from mmx.blocks import (
    Attention,
    attention_weights,
    cut,
    masked_attention,
    split_heads,
    turned,
    unit_pixels,
)
from mmx.interfaces import BackboneOutput, View, WrappingEncoder, WrappingParams

FLIPS: tuple[View, ...] = ("identity", "hflip", "vflip", "rot180")
CROPS = ((0, 0, 1, 1), (0, 0, 0.7, 0.7), (0.3, 0, 1, 0.7), (0, 0.3, 0.7, 1), (0.3, 0.3, 1, 1))


class MultiViewParams(WrappingParams):
    """Settings of attention between views."""

    source = "Vaswani et al. 2017, arXiv:1706.03762"

    type: Literal["multi_view"] = "multi_view"
    backbone: Backbone = Field(
        default=cast(EncoderParams, "timm"),  # checked like what is given
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

    @property
    def views_made(self) -> tuple[View, ...]:
        return FLIPS if self.views == "flips" else ("identity",)

    def build(self) -> "MultiView":
        return MultiView(self, self.backbone.build())


class MultiView(WrappingEncoder):
    """[B, U, 3, H, W] -> tokens [B, V * N, D], pooled [B, D].

    ``pooled`` is the mean over the views of the backbone's pooled vector plus the mean of what
    attention added to the view's tokens. It adds nothing at the start, and never to a view alone.
    """

    def __init__(self, params: MultiViewParams, backbone: Encoder) -> None:
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

    def combine(self, seen: BackboneOutput) -> Features:
        some = seen.mask.sum(dim=1) > 1  # a view alone has none to read
        rows = some.nonzero().flatten()
        tokens, looked = seen.tokens, torch.zeros_like(seen.mask, dtype=torch.float32)
        pooled = seen.pooled
        if len(rows):
            real = seen.token_mask & some[:, None, None]
            x, share = self._read(seen.tokens[real], real[rows])
            tokens = seen.tokens.index_put((real,), x)
            looked = looked.index_put((rows,), share)
            pooled = pooled + _mean_by_view(x - seen.tokens[real], real)
        return Features(
            rearrange(tokens, "b v n d -> b (v n) d"),
            rearrange(seen.token_mask, "b v n -> b (v n)"),
            _mean(pooled, seen.mask),
            explain={"view attention": looked},
        )

    def _read(self, x: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens [M, D] after all layers, and how much the first looks at each view [R, V]."""
        where = None if self.embedding is None else self.embedding[real.nonzero()[:, 1]]
        looked = x.new_zeros(real.shape[:2])
        if not self.training:  # costs as much as the attention itself
            looked = cast(OtherViews, self.layers[0]).looked(x, real, where)
        for layer in self.layers:
            x = layer(x, real, where)
        return x, looked.float()


class OtherViews(nn.Module):
    """Pre-norm attention of each view's tokens to those of the other views, added to them.

    Tokens come packed, so that views that are not there cost no products: [M, D] are those that
    the mask [R, V, N] calls real, in its order.
    """

    def __init__(self, dim: int, heads: int, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.attention = Attention(dim, dim, heads, width=width)
        nn.init.zeros_(self.attention.out.weight)  # starts as the mean over the views
        nn.init.zeros_(self.attention.out.bias)

    def forward(
        self, x: Tensor, real: Tensor, where: Tensor | None = None, apart: Tensor | None = None
    ) -> Tensor:
        """Update tokens [M, D] of the mask [R, V, N].

        Args:
            x: the real tokens.
            real: where they stand.
            where: [M, D], added to what is read; None: views are not told apart.
            apart: [V, V], bool; True where a view may read another; None: all but itself.
        """
        q, k, v, readable = self._split(x, real, where, apart)
        mixed = rearrange(
            masked_attention(q, k, v, readable), "(r v) h n d -> r v n (h d)", v=real.shape[1]
        )
        some = rearrange(readable.any(dim=1), "(r v) -> r v 1", v=real.shape[1]).expand_as(real)
        added: Tensor = self.attention.out(mixed[real]).masked_fill(~some[real][:, None], 0)
        return x + added

    @torch.no_grad()
    def looked(self, x: Tensor, real: Tensor, where: Tensor | None = None) -> Tensor:
        """[R, V], share of the others' attention that falls on each view; sums to 1."""
        q, k, _, readable = self._split(x, real, where, None)
        views = real.shape[1]
        weights = attention_weights(q, k, readable)  # [R*V, N, V*N]
        each = reduce(weights, "(r v) n (u m) -> r v n u", "sum", v=views, u=views)
        total = reduce(each * real[..., None], "r v n u -> r u", "sum")
        return total / total.sum(dim=1, keepdim=True).clamp(min=1e-6)

    def _split(
        self, x: Tensor, real: Tensor, where: Tensor | None, apart: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Queries [R*V, H, N, d], keys and values [R*V, H, V*N, d], and mask [R*V, V*N]."""
        views, heads = real.shape[1], self.attention.heads
        read = self.norm(x)
        read = read if where is None else read + where
        q = split_heads(
            rearrange(_placed(self.attention.query(read), real), "r v n d -> (r v) n d"), heads
        )
        both = rearrange(_placed(self.attention.key_value(read), real), "r u n d -> r (u n) d")
        k, v = (
            repeat(split_heads(one, heads), "r h m d -> (r v) h m d", v=views)
            for one in both.chunk(2, dim=-1)
        )
        if apart is None:
            apart = ~torch.eye(views, dtype=torch.bool, device=x.device)
        readable = rearrange(real[:, None] & apart[..., None], "r v u n -> (r v) (u n)")
        return q, k, v, readable


def _placed(x: Tensor, real: Tensor) -> Tensor:
    """Packed tokens [M, D] in their places [R, V, N, D], zeros elsewhere."""
    return x.new_zeros(*real.shape, x.shape[-1]).index_put((real,), x)


def _mean_by_view(x: Tensor, real: Tensor) -> Tensor:
    """Mean [B, V, D] over the real tokens of each view, of packed tokens [M, D]."""
    count, views = real.sum(dim=-1), real.shape[:2].numel()
    index = repeat(torch.arange(views, device=x.device), "v -> v n", n=real.shape[2])
    total = x.new_zeros(views, x.shape[-1]).index_add(0, index[real.flatten(0, 1)], x)
    return total.view(*real.shape[:2], -1) / count.clamp(min=1)[..., None]


def _mean(x: Tensor, mask: Tensor) -> Tensor:
    """Mean over the last axis N of the mask, of x [..., N, D]; zeros where nothing is real."""
    kept: Tensor = x.masked_fill(~mask[..., None], 0).sum(dim=-2)
    return kept / mask.sum(dim=-1, keepdim=True).clamp(min=1)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [MultiViewParams]
