"""The projection P_m between an encoder and the fusion."""

from dataclasses import replace

from torch import Tensor, nn

from mmx.interfaces import Features, FeatureShape


class Projection(nn.Module):
    """LayerNorm and Linear to one width, for tokens, pooled and levels alike.

    Tokens and pooled share one map, so that a fusion may mix them; each level has its own, since
    levels differ in width and scale.
    """

    def __init__(self, shape: FeatureShape, dim: int, *, normalise: bool) -> None:
        super().__init__()
        self.shape = FeatureShape(dim, (dim,) * len(shape.level_dims), shape.grid)
        self.tokens = _layer(shape.dim, dim, normalise)
        self.levels = nn.ModuleList(_layer(width, dim, normalise) for width in shape.level_dims)

    def forward(self, features: Features) -> Features:
        """[B, N, D] to [B, N, dim]; parts, presence and explanations stay as they are."""
        tokens = self.tokens(features.tokens)
        pooled = tokens[:, 0] if _is_one_vector(features) else self.tokens(features.pooled)
        levels = tuple(
            replace(level, tokens=layer(level.tokens), pooled=layer(level.pooled))
            for layer, level in zip(self.levels, features.levels, strict=False)
        )
        return replace(features, tokens=tokens, pooled=pooled, levels=levels)


def _layer(width: int, dim: int, normalise: bool) -> nn.Module:
    norm = nn.LayerNorm(width) if normalise else nn.Identity()
    return nn.Sequential(norm, nn.Linear(width, dim))


def _is_one_vector(features: Features) -> bool:
    """Whether the only token is the pooled vector itself, so that one product serves both."""
    tokens: Tensor = features.tokens
    return tokens.shape[1] == 1 and tokens.data_ptr() == features.pooled.data_ptr()
