"""Hierarchical fusion: image levels meet text levels, by any other fusion, and are weighed.

It has more parameters than its deepest level alone: compare with a matched control, and watch the
weights, which drift to the last level.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field, PositiveInt, SerializeAsAny
from torch import Tensor, nn

from mmx import (
    Features,
    FeatureShape,
    Fusion,
    FusionParams,
    PairFusion,
    PairFusionParams,
    Params,
    chosen,
    hookimpl,
)
from mmx.blocks import fused_vector, pool_grid, real_pooled, real_tokens
from mmx.errors import ShapeError

Weights = Literal["adaptive", "static", "concat"]


class HierarchicalParams(PairFusionParams):
    """Fuses level by level with another fusion; as wide as that one (concat: times the levels)."""

    type: Literal["hierarchical"] = "hierarchical"
    source: ClassVar[str] = "the project's source document; no paper"

    inner: Annotated[SerializeAsAny[FusionParams], chosen(FusionParams)] = Field(
        default="cross_attention",
        validate_default=True,
        description="fusion of one level; each level has its own weights",
    )
    weights: Weights = Field(
        default="adaptive",
        description="of the levels: from the sample, learned once, or none and concatenated",
    )
    top_down: bool = Field(
        default=False, description="add to each level a map of the next deeper one"
    )
    pool: PositiveInt = Field(
        default=4, description="image tokens are pooled to a grid of pool x pool"
    )

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"pooled", "levels"})

    def build_pair(self, image: FeatureShape, text: FeatureShape) -> "Hierarchical":
        levels = min(len(image.level_dims), len(text.level_dims))
        if not levels:
            raise ShapeError(
                "fusion.hierarchical needs levels of both encoders, got "
                f"{len(image.level_dims)} of the image and {len(text.level_dims)} of the text; "
                "choose encoders that give levels, such as timm and transformers"
            )
        shape = FeatureShape(self.dim)
        inner = [self.inner.build({"image": shape, "text": shape}) for _ in range(levels)]
        return Hierarchical(
            image.level_dims[-levels:],
            text.level_dims[-levels:],
            self.dim,
            [_of_features(fusion) for fusion in inner],
            weights=self.weights,
            top_down=self.top_down,
            pool=self.pool,
        )


def _of_features(fusion: nn.Module) -> Fusion:
    if not isinstance(fusion, Fusion):
        raise ShapeError(
            f"fusion.hierarchical needs an inner fusion of features, got {type(fusion).__name__}, "
            "which mixes decisions; use inner: cross_attention"
        )
    return fusion


class Hierarchical(PairFusion):
    """A_k = LN(Pool(Proj_k F_k)), T_k = LN(Proj_k H_k), u_k = inner_k(A_k, T_k).

    w = softmax_k(v^T tanh(W u_k)), f = LN(sum_k w_k u_k): [B, inner dim]. Levels are paired from
    the deepest one. Proj_k is the assembler's; a Linear stands here only where a level's width is
    not ``dim``. v starts at 0, so that all weights start equal.
    """

    def __init__(
        self,
        image_dims: Sequence[int],
        text_dims: Sequence[int],
        dim: int,
        inner: Sequence[Fusion],
        *,
        weights: Weights = "adaptive",
        top_down: bool = False,
        pool: int = 4,
    ) -> None:
        super().__init__()
        self.pool, width = pool, inner[0].dim
        self.image = nn.ModuleList(Level(given, dim) for given in image_dims)
        self.text = nn.ModuleList(Level(given, dim) for given in text_dims)
        self.inner = nn.ModuleList(inner)
        self.mix = MIXES[weights](len(inner), width)
        self.top_down = nn.ModuleList(_map(width) for _ in inner[1:]) if top_down else None
        self.dim = width * (len(inner) if weights == "concat" else 1)
        self.norm = nn.LayerNorm(self.dim)

    def forward(self, image: Features, text: Features) -> Features:
        fused = self._fuse_levels(image, text)
        u = [features.pooled for features in fused]
        if self.top_down is not None:
            for k in reversed(range(len(u) - 1)):
                u[k] = u[k] + self.top_down[k](u[k + 1])
        mixed, w = self.mix(torch.stack(u, dim=1))
        explain: dict[str, Tensor] = {} if w is None else {"level_weights": w}
        penalties: dict[str, Tensor] = {}
        for k, features in enumerate(fused):
            explain |= {f"level_{k}/{name}": value for name, value in features.explain.items()}
            penalties |= {f"level_{k}/{name}": value for name, value in features.penalties.items()}
        parts = {"first": real_pooled(image), "second": real_pooled(text)}
        return fused_vector(
            self.norm(mixed), image, text, parts=parts, explain=explain, penalties=penalties
        )

    def _fuse_levels(self, image: Features, text: Features) -> list[Features]:
        count = len(self.inner)
        if min(len(image.levels), len(text.levels)) < count:
            raise ShapeError(
                f"fusion.hierarchical was built for {count} levels, got {len(image.levels)} of the "
                f"image and {len(text.levels)} of the text"
            )
        levels = zip(image.levels[-count:], text.levels[-count:], strict=True)
        result = []
        for k, (of_image, of_text) in enumerate(levels):
            of_image = of_image.with_present(image.present)
            of_text = of_text.with_present(text.present)
            a = self.image[k](of_image, self.pool)
            result.append(self.inner[k]({"image": a, "text": self.text[k](of_text, None)}))
        return result


class Level(nn.Module):
    """One level of one side: LN(Pool(Proj F)), [B, N, given] -> [B, M, dim]."""

    def __init__(self, given: int, dim: int) -> None:
        super().__init__()
        self.project = nn.Identity() if given == dim else nn.Linear(given, dim)
        self.norm = nn.LayerNorm(dim)  # the scales of levels differ widely

    def forward(self, level: Features, side: int | None) -> Features:
        """Project, pool to a grid of this side if one is given, and normalise."""
        tokens, mask = real_tokens(level)
        if side is not None:  # a mean and a Linear may change places, and few tokens are cheaper
            tokens, mask = pool_grid(tokens, mask, side)
        return Features(self.norm(self.project(tokens)), mask, present=level.present)


class Adaptive(nn.Module):
    """w = softmax_k(v^T tanh(W u_k)); sum_k w_k u_k."""

    def __init__(self, levels: int, width: int) -> None:
        super().__init__()
        self.hidden, self.score = nn.Linear(width, width), nn.Linear(width, 1, bias=False)
        nn.init.zeros_(self.score.weight)

    def forward(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """Mix u [B, K, D]: [B, D] and the weights [B, K]."""
        w = self.score(self.hidden(u).tanh())[..., 0].softmax(dim=1)
        return (w[..., None] * u).sum(dim=1), w


class Static(nn.Module):
    """w = softmax_k of one learned number per level; sum_k w_k u_k."""

    def __init__(self, levels: int, width: int) -> None:
        super().__init__()
        self.score = nn.Parameter(torch.zeros(levels))

    def forward(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """Mix u [B, K, D]: [B, D] and the weights [B, K]."""
        w = self.score.softmax(dim=0).expand(len(u), -1)
        return (w[..., None] * u).sum(dim=1), w


class Concatenated(nn.Module):
    """[u_1; ...; u_K]."""

    def __init__(self, levels: int, width: int) -> None:
        super().__init__()

    def forward(self, u: Tensor) -> tuple[Tensor, None]:
        """Mix u [B, K, D]: [B, K D]."""
        return u.flatten(1), None


MIXES: dict[str, type[nn.Module]] = {
    "adaptive": Adaptive,
    "static": Static,
    "concat": Concatenated,
}


def _map(width: int) -> nn.Sequential:
    """What a deeper level adds to the one above it; nothing at the start."""
    last = nn.Linear(width, width)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Linear(width, width), nn.GELU(), last)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [HierarchicalParams]
