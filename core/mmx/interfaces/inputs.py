"""What encoders read: images, texts, and the batch that holds every modality by its name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor

from mmx.interfaces.features import Features
from mmx.interfaces.modality import IMAGE, TEXT


class Inputs(Protocol):
    """What one encoder reads of a batch: a frozen dataclass of tensors whose first axis is B."""

    @property
    def present(self) -> Tensor:
        """[B], bool: samples that have this modality."""
        ...


def middle_indices(mask: Tensor) -> Tensor:
    """[B], int64: the middle of the places of each row of a mask [B, V], up to its last real one.

    Places behind the last real one are there for the sake of other rows and never count.
    """
    indices = torch.arange(1, mask.shape[1] + 1, device=mask.device)
    return (indices * mask).amax(dim=1) // 2


@dataclass(frozen=True, slots=True)
class Images:
    """The images of a batch.

    Attributes:
        pixels: [B, V, 3, H, W], RGB; uint8 in 0..255 or floating point in [0, 1].
        mask: [B, V], bool; True marks a real view. A sample without one has no image.
        boxes: [B, V, 4], float: left, top, right, bottom as shares of width and height in [0, 1];
            NaN where a view has no box. None when the data set has none at all.
        centre: [B], int64: the place that the others stand around, which depends on the row alone:
            of the image that the label is of, else the middle one of the row's own places.
    """

    pixels: Tensor
    mask: Tensor
    boxes: Tensor | None = None
    # None only until __post_init__
    centre: Tensor = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        """Without ``centre``, the middle up to the last image of each row."""
        if self.centre is None:
            object.__setattr__(self, "centre", middle_indices(self.mask))

    @property
    def present(self) -> Tensor:
        """[B], bool: samples that have an image."""
        return self.mask.any(dim=1)


@dataclass(frozen=True, slots=True)
class Views:
    """What a frozen backbone made of the views that a wrapping encoder shows it.

    Attributes:
        features: of all views, [B*V, N, D]: view by view, sample by sample; what an absent view
            holds never matters.
        masks: [B, V] of the outermost wrapping encoder, bool; True marks a real view. Then
            [B*V, W] of a wrapping encoder inside it, and so on.
        size: height and width of the views in pixels.
        centre: [B], int64: as in ``Images``, of the outermost wrapping encoder's views.
    """

    features: Features
    masks: tuple[Tensor, ...]
    size: tuple[int, int]
    # None only until __post_init__
    centre: Tensor = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        """Without ``centre``, the middle up to the last view of each row."""
        if self.centre is None:
            object.__setattr__(self, "centre", middle_indices(self.masks[0]))

    @property
    def present(self) -> Tensor:
        """[B], bool: samples that have a view."""
        return self.masks[0].any(dim=1)


@dataclass(frozen=True, slots=True)
class Texts:
    """The tokenised texts of a batch, padded to the longest one.

    Attributes:
        ids: [B, N], int64; any values.
        mask: [B, N], bool; True marks a real token, in any places. An empty text has none.
    """

    ids: Tensor
    mask: Tensor

    @property
    def present(self) -> Tensor:
        """[B], bool: samples that have a text."""
        return self.mask.any(dim=1)


@dataclass(frozen=True, slots=True)
class TokenCount:
    """How much of some texts an encoder reads; special tokens do not count.

    Attributes:
        total: [B], tokens of the whole texts.
        read: [B], tokens that ``tokenize`` keeps.
        unknown: [B], tokens of the whole texts that the tokenizer does not know.
        advice: how more could be read, such as "set max_length: 512".
    """

    total: Sequence[int]
    read: Sequence[int]
    unknown: Sequence[int]
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch; a modality is features already where a frozen encoder's result was cached.

    Attributes:
        inputs: what each encoder reads, or ``Features`` or ``Views`` that it gave, by the name of
            the modality, in the order of the spec.
        present: [B, M], bool, one column for each of ``inputs``. A missing modality never lets its
            content through.
        group: the group (lesion, patient, study) of each sample; empty when nobody needs it.
    """

    inputs: Mapping[str, Inputs]
    present: Tensor
    group: tuple[str, ...] = ()

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the modalities, in the order of the columns of ``present``."""
        return tuple(self.inputs)

    def with_inputs(self, changed: Mapping[str, Inputs]) -> "Batch":
        """The same batch with other inputs for some of its modalities."""
        return replace(self, inputs={**self.inputs, **changed})

    if not TYPE_CHECKING:  # batches as plugins of API 1 make, copy and read them

        def __init__(self, *given: Any, **named: Any) -> None:
            by_name = "inputs" in named or (given and isinstance(given[0], Mapping))
            values = (_of_any if by_name else _of_two)(*given, **named)
            for name, value in zip(("inputs", "present", "group"), values, strict=True):
                object.__setattr__(self, name, value)

        def __getattr__(self, name: str) -> Any:
            if name in (IMAGE, TEXT) and name in self.inputs:
                return self.inputs[name]
            raise AttributeError(f"a batch has no attribute {name!r}")


_Fields = tuple[Mapping[str, Inputs], Tensor, tuple[str, ...]]


def _of_any(
    inputs: Mapping[str, Inputs], present: Tensor, group: tuple[str, ...] = (), **changed: Inputs
) -> _Fields:
    """The fields of a batch; some modalities are changed in copies by ``replace`` of API 1."""
    return {**inputs, **changed} if changed else inputs, present, group


def _of_two(image: Inputs, text: Inputs, present: Tensor, group: tuple[str, ...] = ()) -> _Fields:
    """The fields of a batch that API 1 makes of an image and a text."""
    return {IMAGE: image, TEXT: text}, present, group
