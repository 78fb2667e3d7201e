"""Text encoder: the tower of texts of a model of open_clip, such as BiomedCLIP.

Sources: Ilharco et al. 2021, OpenCLIP, doi:10.5281/zenodo.5143773; Radford et al. 2021,
arXiv:2103.00020 (CLIP); Zhang et al. 2023, arXiv:2303.00915 (BiomedCLIP).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field, PositiveInt
from torch import nn
from torch.nn.functional import normalize

from mmx import (
    EncoderParams,
    Features,
    FeatureShape,
    Params,
    TextEncoder,
    Texts,
    hookimpl,
)
from mmx.blocks import HubName, TextWindows, Weights
from mmx.interfaces import SpecPath, TokenCount
from mmx_plugins.encoders._open_clip import (
    ClipTokenizer,
    Pool,
    TextTower,
    clip_folder,
    text_side,
)


class OpenClipTextParams(EncoderParams):
    """Settings of the tower of texts."""

    modality: ClassVar[str] = "text"
    source: ClassVar[str] = "Ilharco et al. 2021, doi:10.5281/zenodo.5143773"

    type: Literal["open_clip_text"] = "open_clip_text"
    model: HubName | SpecPath = Field(
        description="a folder that starts with ./, ../, / or ${ and holds open_clip_config.json, "
        "or the name of such a model on the hub"
    )
    weights: Weights = Field(
        default="default",
        description="default (those of the model), none (random, from its configuration), "
        "package:NAME/PATH or a file",
    )
    pool: Pool = Field(
        default="trunk",
        description="trunk: in front of the projection; shared: in the space that images and texts "
        "share, of length 1",
    )
    chunks: PositiveInt = Field(
        default=1,
        le=64,
        description="windows of the model's length in which a longer text is read at most, one "
        "after the other; their tokens stand together, and pooled is their mean",
    )
    fractions: tuple[float, ...] = Field(
        default=(1 / 3, 2 / 3),
        description="depths of the levels before the last one, in (0, 1]; rounded to whole layers",
    )

    def build(self) -> "OpenClipTextEncoder":
        folder = clip_folder(self.model)
        tower, tokenizer = text_side(folder, self.weights, self.fractions)
        origin = {"origin": str(self.model)} if self.weights == "default" else {}
        record = {**tower.record, **origin, "tokenizer": tokenizer.digest}
        encoder = OpenClipTextEncoder(tower, tokenizer, self.pool, record)
        encoder.notes, encoder.chunks = tower.notes, self.chunks
        return encoder


class OpenClipTextEncoder(TextEncoder):
    """[B, N] ids -> tokens [B, N, D], pooled [B, D] as the model itself, levels of hidden states.

    With ``shared`` tokens and pooled are projected, and pooled has length 1, as the model compares
    it with images. All are float32, under autocast too, so that features computed now and features
    from the cache look alike.

    With ``chunks`` above 1 a text that is longer than the model reads is cut between tokens into as
    many windows at most, each read by itself; pooled is the mean of theirs, each by its number of
    tokens, before it gets length 1.
    """

    chunks = 1

    def __init__(
        self, tower: TextTower, tokenizer: ClipTokenizer, pool: Pool, weights: Mapping[str, str]
    ) -> None:
        super().__init__()
        self.trunk = tower.trunk
        self.pool = pool
        self.tokenizer = tokenizer
        self.projection = tower.projection if pool == "shared" else nn.Identity()
        dim = tower.width if pool == "shared" else tower.trunk.dim
        self.shape = FeatureShape(dim, (*tower.trunk.level_dims, dim))
        self.weights = weights

    def tokenize(self, texts: Sequence[str]) -> Texts:
        """Ids and mask [B, N], N the longest of these texts after cutting, at least 1."""
        spoken = [index for index, text in enumerate(texts) if text.strip()]
        windows = self.tokenizer.windows
        rows = windows([texts[index] for index in spoken], self.chunks) if spoken else []
        longest = max([1, *map(len, rows)])
        ids = torch.full((len(texts), longest), self.tokenizer.padding, dtype=torch.int64)
        mask = torch.zeros(len(texts), longest, dtype=torch.bool)
        for index, row in zip(spoken, rows, strict=True):
            ids[index, : len(row)] = torch.tensor(row)
            mask[index, : len(row)] = True
        return Texts(ids, mask)

    def count(self, texts: Sequence[str]) -> TokenCount:
        return self.tokenizer.count(texts, self.chunks)

    def forward(self, texts: Texts) -> Features:
        """Encode [B, N] ids."""
        windows = TextWindows(texts.mask, self.tokenizer.longest)
        found, each, earlier = self.trunk(windows.cut(texts.ids), windows.cut(texts.mask))
        tokens = Features(windows.joined(self.projection(found).float()), texts.mask)
        pooled = windows.mean(self.projection(each).float())
        if self.pool == "shared":
            pooled = normalize(pooled, dim=-1)
        pooled = pooled.masked_fill(~texts.present[:, None], 0)
        levels = (
            *(Features(windows.joined(level.float()), texts.mask) for level in earlier),
            tokens,
        )
        return Features(tokens.tokens, texts.mask, pooled, levels=levels)

    def last_stage(self) -> Iterable[nn.Module]:
        """The last layer, what stands behind it, and the projection where it is read."""
        return [*self.trunk.last_stage(), self.projection]


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [OpenClipTextParams]
