"""FiLM: the text scales and shifts each channel of the image tokens.

It acts after the encoder; DAFT acts inside the last residual block of one.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from mmx import Features, FeatureShape, PairFusion, PairFusionParams, Params, hookimpl, masked_mean
from mmx.blocks import StandIn, either_present, real_pooled

Generator = Literal["text", "text_image"]


class FilmParams(PairFusionParams):
    """Modulates image channels by the text; as wide as the image features."""

    type: Literal["film"] = "film"
    source: ClassVar[str] = (
        "Perez et al. 2018, FiLM, arXiv:1709.07871; Poelsterl et al. 2021, DAFT, arXiv:2107.05990"
    )

    generator: Generator = Field(
        default="text",
        description="what decides scale and shift: the text, or (DAFT) text and image together",
    )
    hidden: PositiveInt = Field(
        default=256, description="hidden width of the text generator, channels"
    )
    bottleneck: PositiveInt = Field(
        default=7, description="hidden width of the text_image generator"
    )

    def build_pair(self, image: FeatureShape, text: FeatureShape) -> "Film":
        hidden = self.hidden if self.generator == "text" else self.bottleneck
        return Film(image.dim, text.dim, generator=self.generator, hidden=hidden)


class Film(PairFusion):
    """gamma, beta = h(t); Y = (1 + gamma) A + beta; f = mean Y: [B, N, D] -> [B, N, D].

    The last layer of h starts at 0, so that it starts as the image alone. Without a text gamma and
    beta are 0; a missing image is one learned token.
    """

    def __init__(
        self, image_dim: int, text_dim: int, *, generator: Generator = "text", hidden: int = 256
    ) -> None:
        super().__init__()
        self.dim, self.sees_image = image_dim, generator == "text_image"
        self.no_image = StandIn(image_dim)
        seen = text_dim + (image_dim if self.sees_image else 0)
        bias = not self.sees_image  # DAFT's bottleneck has none
        last = nn.Linear(hidden, 2 * image_dim, bias=bias)
        for parameter in last.parameters():
            nn.init.zeros_(parameter)
        self.generator = nn.Sequential(nn.Linear(seen, hidden, bias=bias), nn.ReLU(), last)

    def forward(self, image: Features, text: Features) -> Features:
        a, mask = self.no_image.tokens(image)
        t = real_pooled(text)
        seen = torch.cat([masked_mean(a, mask), t], dim=-1) if self.sees_image else t
        change: Tensor = self.generator(seen).masked_fill(~text.present[:, None], 0)
        gamma, beta = change[:, None].chunk(2, dim=-1)
        y = (1 + gamma) * a + beta
        return Features(
            y,
            mask,
            present=either_present(image, text),
            parts={"first": real_pooled(image), "second": t},
            explain={"gamma": gamma[:, 0].detach(), "beta": beta[:, 0].detach()},
        )


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [FilmParams]
