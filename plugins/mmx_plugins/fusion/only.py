"""One modality alone: the control that shows what the others add.

``image_only`` and ``text_only`` are names for it in models that have an image or a text.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from pydantic import Field

from mmx import Features, FeatureShape, Fusion, FusionParams, Params, hookimpl
from mmx.blocks import LearnedPlaceholder, either_present
from mmx.errors import ShapeError


class OneParams(FusionParams):
    """What ``only`` and its other names share: which modality they read, as ``alone`` says."""

    source: ClassVar[str] = "control; no paper"
    takes: ClassVar[tuple[int, int | None]] = (1, None)

    tokens: bool = Field(
        default=False,
        description="true: hand on the tokens as well, for heads that pool tokens",
    )

    @property
    def alone(self) -> str | None:
        """The modality that is read; None for the first of the model."""
        raise NotImplementedError

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"pooled", "tokens"} if self.tokens else {"pooled"})

    def used(self, names: Sequence[str]) -> tuple[str, ...]:
        return tuple(name for name in names if name == (self.alone or names[0]))

    def check_modalities(self, names: Sequence[str]) -> None:
        self._picked(names)

    def build(self, shapes: Mapping[str, FeatureShape]) -> "Only":
        name = self._picked(tuple(shapes))
        return Only(name, shapes[name].dim, self.tokens)

    def _picked(self, names: Sequence[str]) -> str:
        name = names[0] if self.alone is None else self.alone
        if name not in names:
            raise ShapeError(
                f"{self.entry_point}: there is no modality {name!r}; modalities of this model: "
                f"{', '.join(names)}"
            )
        return name


class OnlyParams(OneParams):
    """Reads one modality and ignores all others; as wide as its features."""

    type: Literal["only"] = "only"

    modality: str | None = Field(
        default=None, description="the one that is read; the first of the model if left out"
    )

    @property
    def alone(self) -> str | None:
        return self.modality


class ImageOnlyParams(OneParams):
    """The same as only with modality: image."""

    type: Literal["image_only"] = "image_only"

    @property
    def alone(self) -> str:
        return "image"


class TextOnlyParams(OneParams):
    """The same as only with modality: text."""

    type: Literal["text_only"] = "text_only"

    @property
    def alone(self) -> str:
        return "text"


class Only(Fusion):
    """f = x: [B, D] -> the same; a learned vector for samples without this modality.

    With ``tokens`` the result also has the tokens [B, N, D].
    """

    def __init__(self, modality: str, dim: int, tokens: bool = False) -> None:
        super().__init__()
        self.modality = modality
        self.dim = dim
        self.tokens = tokens
        self.missing = LearnedPlaceholder(dim)

    def forward(self, features: Mapping[str, Features]) -> Features:
        own = features[self.modality]
        fused = self.missing.pooled(own)
        tokens, mask = fused[:, None], fused.new_ones(len(fused), 1).bool()
        if self.tokens:
            tokens, mask = self.missing.tokens(own)
        nothing = fused.new_zeros(fused.shape)
        parts = {name: fused if name == self.modality else nothing for name in features}
        there = either_present(*features.values())
        return Features(tokens, mask, fused, present=there, parts=parts)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [OnlyParams, ImageOnlyParams, TextOnlyParams]
