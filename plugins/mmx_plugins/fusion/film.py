"""FiLM: all other modalities scale and shift each channel of the tokens of the first.

It acts after the encoder; DAFT acts inside the last residual block of one.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field, PositiveInt, model_validator
from torch import Tensor, nn

from mmx import Features, FeatureShape, Fusion, FusionParams, Params, hookimpl
from mmx.blocks import LearnedPlaceholder, PerModality, either_present, real_pooled
from mmx.errors import ShapeError
from mmx.interfaces import masked_mean

Generator = Literal["others", "all"]
SHORT: Mapping[str, Generator] = {"text": "others", "text_image": "all"}  # of image and text


class FilmParams(FusionParams):
    """Modulates the channels of one modality by all others; as wide as its features."""

    type: Literal["film"] = "film"
    source: ClassVar[str] = (
        "Perez et al. 2018, FiLM, arXiv:1709.07871; Poelsterl et al. 2021, DAFT, arXiv:2107.05990"
    )

    first: str | None = Field(
        default=None, description="modality that is modulated; the first of the model when left out"
    )
    generator: Generator = Field(
        default="others",
        description="what decides scale and shift: each other modality, or (DAFT) each together "
        "with the first; text and text_image mean the same",
    )
    hidden: PositiveInt = Field(default=256, description="hidden width of the generators, channels")
    bottleneck: PositiveInt = Field(default=7, description="hidden width with generator: all")

    @model_validator(mode="before")
    @classmethod
    def _written_out(cls, given: object) -> object:
        """Names of generators of a model of image and text."""
        if isinstance(given, Mapping) and given.get("generator") in SHORT:
            return {**given, "generator": SHORT[given["generator"]]}
        return given

    def check_modalities(self, names: Sequence[str]) -> None:
        if self.first is not None and self.first not in names:
            raise ShapeError(
                f"fusion.film: there is no modality {self.first!r}; modalities of this model: "
                f"{', '.join(names)}"
            )

    def build(self, shapes: Mapping[str, FeatureShape]) -> "Film":
        self.check_modalities(tuple(shapes))
        first = next(iter(shapes)) if self.first is None else self.first
        hidden = self.hidden if self.generator == "others" else self.bottleneck
        dims = {name: shape.dim for name, shape in shapes.items()}
        return Film(dims, first, generator=self.generator, hidden=hidden)


class Film(Fusion):
    """gamma = sum_m gamma_m(x_m), beta alike, m != first; Y = (1 + gamma) X + beta; f = mean Y.

    X are the tokens [B, N, D] of the first modality. The last layer of each generator starts at 0,
    so that it starts as the first alone. A missing modality adds 0 to gamma and beta; a missing
    first is one learned token.
    """

    def __init__(
        self,
        dims: Mapping[str, int],
        first: str,
        *,
        generator: Generator = "others",
        hidden: int = 256,
    ) -> None:
        super().__init__()
        self.first = first
        self.dim = dims[first]
        self.sees_first = generator == "all"
        self.missing = LearnedPlaceholder(self.dim)
        self.generators = PerModality(
            {name: self._generator(dim, hidden) for name, dim in dims.items() if name != first}
        )

    def _generator(self, width: int, hidden: int) -> nn.Sequential:
        seen = width + (self.dim if self.sees_first else 0)
        bias = not self.sees_first  # DAFT's bottleneck has none
        last = nn.Linear(hidden, 2 * self.dim, bias=bias)
        for parameter in last.parameters():
            nn.init.zeros_(parameter)
        return nn.Sequential(nn.Linear(seen, hidden, bias=bias), nn.ReLU(), last)

    def forward(self, features: Mapping[str, Features]) -> Features:
        x, mask = self.missing.tokens(features[self.first])
        pooled = {name: real_pooled(one) for name, one in features.items()}
        changes = {}
        for name in self.generators:
            seen = [masked_mean(x, mask), pooled[name]] if self.sees_first else [pooled[name]]
            change: Tensor = self.generators[name](torch.cat(seen, dim=-1))
            changes[name] = change.masked_fill(~features[name].present[:, None], 0)
        total = torch.stack([*changes.values()]).sum(dim=0)
        gamma, beta = total[:, None].chunk(2, dim=-1)
        explain: dict[str, Tensor] = {}
        for name, change in changes.items():
            of_gamma, of_beta = change.detach().chunk(2, dim=-1)
            explain |= {f"gamma_{name}": of_gamma, f"beta_{name}": of_beta}
        return Features(
            (1 + gamma) * x + beta,
            mask,
            present=either_present(*features.values()),
            parts=pooled,
            explain=explain,
        )


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [FilmParams]
