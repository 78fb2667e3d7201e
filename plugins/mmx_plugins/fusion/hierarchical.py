"""Hierarchical fusion: levels of all modalities meet, by any other fusion, and are weighed.

It has more parameters than its deepest level alone: compare with a matched control, and watch the
weights, which drift to the last level.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field, PositiveInt, SerializeAsAny
from torch import Tensor, nn

from mmx import Features, FeatureShape, Fusion, FusionParams, Params, chosen, hookimpl
from mmx.blocks import PerModality, fused_vector, pool_grid, real_pooled, real_tokens
from mmx.errors import ShapeError

Weights = Literal["adaptive", "static", "concat"]


class HierarchicalParams(FusionParams):
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
        default=4, description="tokens of images are pooled to a grid of pool x pool"
    )

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"pooled", "levels"})

    def check_modalities(self, names: Sequence[str]) -> None:
        self.inner.check_modalities(names)

    def build(self, shapes: Mapping[str, FeatureShape]) -> "Hierarchical":
        counts = [len(shape.level_dims) for shape in shapes.values() if shape.level_dims]
        if not counts:
            raise ShapeError(
                f"fusion.hierarchical needs levels of some encoder; none of {', '.join(shapes)} "
                "gives any; choose encoders that give levels, such as timm and transformers"
            )
        levels = min(counts)
        level = {name: FeatureShape(self.dim, grid=shape.grid) for name, shape in shapes.items()}
        inner = [self.inner.build(level) for _ in range(levels)]
        return Hierarchical(
            shapes,
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


class Hierarchical(Fusion):
    """X_mk = LN(Pool(Proj_mk F_mk)), u_k = inner_k(X_1k, ..., X_Mk).

    w = softmax_k(v^T tanh(W u_k)), f = LN(sum_k w_k u_k): [B, inner dim]. Levels are matched from
    the deepest one; a modality without levels gives its pooled vector at each. Proj is the
    assembler's; a Linear stands here only where a level's width is not ``dim``. v starts at 0, so
    that all weights start equal.
    """

    def __init__(
        self,
        shapes: Mapping[str, FeatureShape],
        dim: int,
        inner: Sequence[Fusion],
        *,
        weights: Weights = "adaptive",
        top_down: bool = False,
        pool: int = 4,
    ) -> None:
        super().__init__()
        count, width = len(inner), inner[0].dim
        self.pool = {name: pool for name, shape in shapes.items() if shape.grid}
        self.without = {name for name, shape in shapes.items() if not shape.level_dims}
        self.levels = PerModality(
            {
                name: nn.ModuleList(Level(given, dim) for given in _widths(shape, count))
                for name, shape in shapes.items()
            }
        )
        self.inner = nn.ModuleList(inner)
        self.mix = MIXES[weights](count, width)
        self.top_down = nn.ModuleList(_map(width) for _ in inner[1:]) if top_down else None
        self.dim = width * (count if weights == "concat" else 1)
        self.norm = nn.LayerNorm(self.dim)

    def forward(self, features: Mapping[str, Features]) -> Features:
        fused = self._fuse_levels(features)
        u = [level.pooled for level in fused]
        if self.top_down is not None:
            for k in reversed(range(len(u) - 1)):
                u[k] = u[k] + self.top_down[k](u[k + 1])
        mixed, w = self.mix(torch.stack(u, dim=1))
        explain: dict[str, Tensor] = {} if w is None else {"level_weights": w}
        penalties: dict[str, Tensor] = {}
        for k, level in enumerate(fused):
            explain |= {f"level_{k}/{name}": value for name, value in level.explain.items()}
            penalties |= {f"level_{k}/{name}": value for name, value in level.penalties.items()}
        parts = {name: real_pooled(one) for name, one in features.items()}
        return fused_vector(
            self.norm(mixed), *features.values(), parts=parts, explain=explain, penalties=penalties
        )

    def _fuse_levels(self, features: Mapping[str, Features]) -> list[Features]:
        count = len(self.inner)
        given = {
            name: [Features.of_pooled(one.pooled, one.present)] * count
            if name in self.without
            else _levels(one, count)
            for name, one in features.items()
        }
        result = []
        for k, fuse in enumerate(self.inner):
            level = {
                name: self.levels[name][k](of_one[k], self.pool.get(name))
                for name, of_one in given.items()
            }
            result.append(fuse(level))
        return result


def _widths(shape: FeatureShape, count: int) -> tuple[int, ...]:
    """Channels of what a modality gives at each level."""
    return shape.level_dims[-count:] if shape.level_dims else (shape.dim,) * count


def _levels(features: Features, count: int) -> list[Features]:
    """The deepest levels of a modality.

    Raises:
        ShapeError: it has fewer.
    """
    if len(features.levels) < count:
        raise ShapeError(
            f"fusion.hierarchical was built for {count} levels, got {len(features.levels)}"
        )
    return [level.with_present(features.present) for level in features.levels[-count:]]


class Level(nn.Module):
    """One level of one modality: LN(Pool(Proj F)), [B, N, given] -> [B, M, dim]."""

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


class StaticWeights(nn.Module):
    """w = softmax_k of one learned number per level; sum_k w_k u_k."""

    def __init__(self, levels: int, width: int) -> None:
        super().__init__()
        self.score = nn.Parameter(torch.zeros(levels))

    def forward(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """Mix u [B, K, D]: [B, D] and the weights [B, K]."""
        w = self.score.softmax(dim=0).expand(len(u), -1)
        return (w[..., None] * u).sum(dim=1), w


class Concatenation(nn.Module):
    """[u_1; ...; u_K]."""

    def __init__(self, levels: int, width: int) -> None:
        super().__init__()

    def forward(self, u: Tensor) -> tuple[Tensor, None]:
        """Mix u [B, K, D]: [B, K D]."""
        return u.flatten(1), None


MIXES: dict[str, type[nn.Module]] = {
    "adaptive": Adaptive,
    "static": StaticWeights,
    "concat": Concatenation,
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
