"""Image encoder: a saliency from the whole image chooses crops, which are looked at closely.

S = sigmoid(W x) over the tokens of the whole image; K crops are taken greedily by the sum of S
inside them, none over another; gated attention pools them to z; the result is Linear([GAP; z]).
After GMIC (Shen et al. 2021, doi:10.1016/j.media.2020.101908), with one saliency for all classes,
and crops from a fixed grid so that a frozen backbone sees each of them once. The place of a crop
has no gradient.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, cast

import torch
from einops import einsum, rearrange
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
    ShapeError,
    hookimpl,
)
from mmx.blocks import Window, cut, masked_softmax, token_grid, unit_pixels
from mmx.interfaces import BackboneOutput, WrappingEncoder, WrappingParams


class GlobalLocalParams(WrappingParams):
    """Settings of the two streams."""

    source = "Shen et al. 2021, doi:10.1016/j.media.2020.101908"

    most_images: ClassVar[int | None] = 1

    type: Literal["global_local"] = "global_local"
    backbone: Backbone = Field(
        default=cast(EncoderParams, "timm"),  # checked like what is given
        validate_default=True,
        description="encoder of the whole image and of the crops",
    )
    crops: PositiveInt = Field(default=4, description="looked at; fewer where no more fit")
    side: float = Field(
        default=1 / 3, gt=0, le=1, description="of a crop, as a share of height and width"
    )
    grid: PositiveInt = Field(
        default=5, description="places of crops along each edge; a frozen backbone encodes them all"
    )
    top: float = Field(
        default=0.05, gt=0, le=1, description="share of the places that the global score pools"
    )
    beta: float = Field(default=1e-5, ge=0, description="weight of the mean of the saliency")
    hidden: PositiveInt = Field(default=128, description="width of the attention over the crops")
    auxiliary: float = Field(
        default=1.0, ge=0, description="weight of a cross-entropy on each stream; 0: none"
    )

    @property
    def auxiliary_defaults(self) -> Mapping[str, float]:
        return {"global": self.auxiliary, "local": self.auxiliary} if self.auxiliary else {}

    def build(self) -> "GlobalLocal":
        return GlobalLocal(self, self.backbone.build())


class GlobalLocal(WrappingEncoder):
    """[B, 1, 3, H, W] -> tokens [B, 1 + K, D] (whole image, crops), pooled [B, D].

    Parts: ``global``, the mean of the ``top`` tokens weighted by their saliency, which is how the
    saliency learns, and ``local``, z.
    """

    token_views = 1

    def __init__(self, params: GlobalLocalParams, backbone: Encoder) -> None:
        super().__init__(backbone)
        dim = backbone.shape.dim
        self.shape, self.parts = FeatureShape(dim), {"global": dim, "local": dim}
        self.crops = params.crops
        self.top = params.top
        self.beta = params.beta
        self.windows = windows(params.grid, params.side)
        self.recipe = repr(("global_local", params.grid, params.side))
        self.saliency = nn.Linear(dim, 1)
        nn.init.zeros_(self.saliency.weight)  # starts without a preference
        nn.init.zeros_(self.saliency.bias)
        self.pool = _GatedAttention(dim, params.hidden)
        self.last = nn.Linear(2 * dim, dim)

    def check_views(self, most: int) -> None:
        if most > 1:
            raise DataError(
                f"samples have up to {most} images and encoder.global_local reads one; use one "
                "image per sample, or make it the backbone of encoder.sequence"
            )

    def needs(self, reads: frozenset[str]) -> frozenset[str]:
        return frozenset({"pooled", "tokens"})

    def view_mask(self, mask: Tensor) -> Tensor:
        return mask.expand(-1, 1 + len(self.windows))

    def views(self, images: Images) -> Images:
        if images.pixels.shape[1] != 1:
            raise ShapeError(
                f"encoder.global_local reads one image, got {images.pixels.shape[1]} views"
            )
        whole = Images(unit_pixels(images.pixels), images.mask)
        shown = [whole.pixels, *(cut(whole, window).pixels for window in self.windows)]
        return Images(torch.cat(shown, dim=1), self.view_mask(images.mask))

    def combine(self, seen: BackboneOutput) -> Features:
        tokens, mask = seen.tokens[:, 0], seen.token_mask[:, 0]
        saliency = self.saliency(tokens)[..., 0].sigmoid().masked_fill(~mask, 0)  # [B, N]
        chosen, there = self._choose(saliency.detach(), seen.size)
        there = there & seen.mask[:, :1]
        crops = torch.take_along_dim(seen.pooled[:, 1:], chosen[..., None], dim=1)  # [B, K, D]
        z, weights = self.pool(crops, there)
        score, salient = top_mean(saliency, tokens, self.top)
        gap = seen.pooled[:, 0]
        windows = saliency.new_tensor(self.windows)[chosen].masked_fill(~there[..., None], 0)
        return Features(
            torch.cat([gap[:, None], crops], dim=1),
            torch.cat([seen.mask[:, :1], there], dim=1),
            self.last(torch.cat([gap, z], dim=1)),
            parts={"global": salient, "local": z},
            explain={
                "saliency": saliency.detach(), "global score": score.detach(),
                "crops": windows, "crop weights": weights.detach(),
            },
            penalties={"saliency": self.beta * saliency.mean()} if self.beta else {},
        )  # fmt: skip

    def _choose(self, saliency: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """[B, K], places of the crops, and whether a crop was left to take there."""
        rows, columns = token_grid(saliency.shape[1], size[0] / size[1])
        inside = saliency.new_tensor(overlaps(self.windows, rows, columns))
        scores = einsum(saliency, inside, "b n, k n -> b k")
        apart = torch.tensor(disjoint(self.windows), device=saliency.device)
        free = torch.ones_like(scores, dtype=torch.bool)
        chosen, there = [], []
        for _ in range(min(self.crops, len(self.windows))):
            best = scores.masked_fill(~free, -torch.inf).argmax(dim=1)
            chosen.append(best)
            there.append(free.any(dim=1))
            free = free & apart[best]
        return torch.stack(chosen, dim=1), torch.stack(there, dim=1)


class _GatedAttention(nn.Module):
    """z = sum_k w_k h_k with w = softmax(w^T(tanh(V h) * sigmoid(U h)))."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.value, self.gate = nn.Linear(dim, hidden), nn.Linear(dim, hidden)
        self.score = nn.Linear(hidden, 1, bias=False)

    def forward(self, crops: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Pooled [B, D] and weights [B, K] of crops [B, K, D]."""
        hidden = self.value(crops).tanh() * self.gate(crops).sigmoid()
        weights = masked_softmax(self.score(hidden)[..., 0], mask)
        return einsum(weights.to(crops.dtype), crops, "b k, b k d -> b d"), weights


def windows(grid: int, side: float) -> tuple[Window, ...]:
    """Places of crops, row by row; one alone stands in the middle."""
    starts = [index / (grid - 1) * (1 - side) for index in range(grid)] if grid > 1 else []
    starts = starts or [(1 - side) / 2]
    return tuple((x, y, x + side, y + side) for y in starts for x in starts)


def disjoint(indices: Sequence[Window]) -> list[list[bool]]:
    """[K, K], whether two windows have no area in common."""
    tiny = 1e-6
    return [
        [
            a[2] <= b[0] + tiny or b[2] <= a[0] + tiny or a[3] <= b[1] + tiny or b[3] <= a[1] + tiny
            for b in indices
        ]
        for a in indices
    ]


def overlaps(indices: Sequence[Window], rows: int, columns: int) -> list[list[float]]:
    """[K, rows * columns], share of each cell of a map that lies in each window."""

    def covered(low: float, high: float, cells: int) -> list[float]:
        edges = [(cell / cells, (cell + 1) / cells) for cell in range(cells)]
        return [max(0.0, min(high, end) - max(low, start)) * cells for start, end in edges]

    return [
        [down * across for down in covered(y0, y1, rows) for across in covered(x0, x1, columns)]
        for x0, y0, x1, y1 in indices
    ]


def top_mean(saliency: Tensor, tokens: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Mean saliency [B] over the most salient share of places, and their weighted tokens [B, D]."""
    count = max(1, round(share * saliency.shape[1]))
    best, indices = saliency.topk(count, dim=1)
    chosen = torch.take_along_dim(tokens, indices[..., None], dim=1)
    weights = best / best.sum(dim=1, keepdim=True).clamp(min=1e-6)
    pooled = (rearrange(weights, "b n -> b n 1") * chosen).sum(dim=1)
    return best.mean(dim=1), pooled


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [GlobalLocalParams]
