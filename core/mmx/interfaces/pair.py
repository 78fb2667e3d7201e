"""Fusions that are defined on two modalities, and the rule by which they serve a model."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from mmx.errors import PluginError, ShapeError
from mmx.interfaces.features import Features, FeatureShape
from mmx.interfaces.fusion import Fusion, FusionParams
from mmx.interfaces.joining import join, joined_shape

READS = re.compile(r"(first|second)_reads_(first|second)(.*)")


class PairFusionParams(FusionParams):
    """Settings of a fusion of two modalities: ``build_pair`` gives its module.

    In a model of more, all but the first are joined and stand in the place of the second.
    """

    takes: ClassVar[tuple[int, int | None]] = (2, None)

    first: str | None = Field(
        default=None, description="modality that stands first; the first of the model if left out"
    )
    second: Annotated[tuple[str, ...], Field(min_length=1)] | None = Field(
        default=None,
        description="modalities that are joined and stand second; all others if left out",
    )

    def used(self, names: Sequence[str]) -> tuple[str, ...]:
        """The first and the second ones, in the order of the model."""
        first, second = self._sides(names)
        return tuple(name for name in names if name == first or name in second)

    def check_modalities(self, names: Sequence[str]) -> None:
        """Refuse names that are none, and one modality twice."""
        self.picked(names)

    def picked(self, names: Sequence[str]) -> tuple[str, tuple[str, ...]]:
        """Which modality stands first, and which ones second, in the order of the model.

        Raises:
            ShapeError: one of them is no modality of the model, or stands twice.
        """
        first, second = self._sides(names)
        unknown = [name for name in (first, *second) if name not in names]
        if unknown:
            raise ShapeError(
                f"{self.entry_point}: there is no modality {unknown[0]!r}; modalities of this "
                f"model: {', '.join(names)}"
            )
        if first in second or not second:
            raise ShapeError(
                f"{self.entry_point} needs one modality that stands first and others that stand "
                f"second; got first: {first}, second: {', '.join(second) or 'none'}"
            )
        return first, tuple(name for name in names if name in second)

    def _sides(self, names: Sequence[str]) -> tuple[str, tuple[str, ...]]:
        """As the settings say it, whether there are such modalities or not."""
        first = names[0] if self.first is None else self.first
        others = tuple(name for name in names if name != first)
        return first, others if self.second is None else self.second

    def build(self, shapes: Mapping[str, FeatureShape]) -> "PairAdapter":
        """The module of ``build_pair`` for the first modality and the second ones.

        Raises:
            ShapeError: names or widths do not fit.
            PluginError: ``build_pair`` gives something else.
        """
        first, second = self.picked(tuple(shapes))
        joined = joined_shape({name: shapes[name] for name in second})
        pair: object = self.build_pair(shapes[first], joined)
        if not isinstance(pair, PairFusion):
            raise PluginError(
                f"{self.entry_point}: build_pair() gave a {type(pair).__name__}; return an "
                "instance of a class that derives from mmx.PairFusion"
            )
        return PairAdapter(pair, first, second, joined.dim)

    @abstractmethod
    def build_pair(self, first: FeatureShape, second: FeatureShape, /) -> "PairFusion":
        """Build the module for features of these widths."""


class PairFusion(nn.Module, ABC):
    """Mixes two sets of features into one.

    Attributes:
        dim: channels of the result; a head is built for it.
    """

    dim: int

    @abstractmethod
    def forward(self, first: Features, second: Features, /) -> Features:
        """Fuse [B, N, D_first] with [B, M, D_second]; all that ``mmx.Fusion`` says holds here.

        ``parts`` of the result hold the streams ``first`` and ``second``. In names of what is
        explained these words become the names of modalities; attention [B, N, M] of the tokens of
        the first on those of the second is called ``first_reads_second``, with any ending, and is
        cut into the modalities of the second.
        """


class PairAdapter(Fusion):
    """A fusion of two in a model of two or more: picks modalities, joins them, names results.

    Args:
        pair: the fusion.
        first: the modality that it gets first.
        second: those that it gets second; several are joined by ``mmx.blocks.join``.
        width: of the second ones.
    """

    def __init__(self, pair: PairFusion, first: str, second: Sequence[str], width: int) -> None:
        super().__init__()
        self.pair = pair
        self.first = first
        self.second = tuple(second)
        self.dim = getattr(pair, "dim", None)  # type: ignore[assignment]  # the assembler tells
        # e_m; one alone needs none, so that a model of two has the weights of the fusion itself
        several = len(second) > 1
        self.marks = nn.Parameter(torch.zeros(len(second), width)) if several else None

    def forward(self, features: Mapping[str, Features]) -> Features:
        """As the class says."""
        others = [features[name] for name in self.second]
        joined = others[0] if self.marks is None else join(others, self.marks)
        fused: object = self.pair(features[self.first], joined)
        if not isinstance(fused, Features):
            return fused  # type: ignore[return-value]  # the assembler tells
        counts = [one.tokens.shape[1] for one in others]
        explain = dict(_named(fused.explain, self.first, self.second, counts))
        return replace(fused, parts=self._parts(fused.parts, features), explain=explain)

    def _parts(
        self, given: Mapping[str, Tensor], features: Mapping[str, Features]
    ) -> dict[str, Tensor]:
        """Streams by the names of modalities; of joined ones their own pooled vectors."""
        own = {name: features[name] for name in self.second}
        streams = {m: one.pooled.masked_fill(~one.present[:, None], 0) for m, one in own.items()}
        if self.marks is None and "second" in given:
            streams = {self.second[0]: given["second"]}
        first = {self.first: given["first"]} if "first" in given else {}
        rest = {name: part for name, part in given.items() if name not in ("first", "second")}
        return {**first, **streams, **rest}


def _named(
    explain: Mapping[str, Tensor], first: str, second: Sequence[str], counts: Sequence[int]
) -> Iterator[tuple[str, Tensor]]:
    """What a fusion of two explains, by the names of modalities; attention cut into them."""
    names = {"first": first, "second": "+".join(second)}

    def cut(value: Tensor, side: str, axis: int) -> dict[str, Tensor]:
        if side == "first" or value.shape[axis] != sum(counts):
            return {names[side]: value}
        return dict(zip(second, torch.split(value, list(counts), dim=axis), strict=True))

    for key, value in explain.items():
        attention = READS.fullmatch(key)
        if attention is None or value.ndim != 3:
            yield "_".join(names.get(word, word) for word in key.split("_")), value
            continue
        reader, read, ending = attention.groups()
        for row, rows in cut(value, reader, 1).items():
            for column, piece in cut(rows, read, 2).items():
                yield f"{row}_reads_{column}{ending}", piece
