"""Token ids of texts: each place and value as ``tokenize`` gives it, kept once per text."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import torch
from torch import Tensor

from mmx.errors import DataError
from mmx.interfaces import Texts, Tokenizer

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CHUNK = 4096  # texts that are tokenised together
_WHOLE = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)
_SHOWN = 60  # letters of a text in a message


class Tokens:
    """The token ids of distinct texts; padded behind when several are asked for at once.

    Each text keeps the places that it has alone, masked ones included. Tokenised among others it
    must have the same ones, and masked places with one id behind them; all texts are tried.

    Raises:
        DataError: the encoder cannot tokenise a text, or gives it other places among others.
    """

    def __init__(self, texts: Sequence[str], encoder: Tokenizer) -> None:
        self._texts, self._encoder = texts, encoder
        alone = [self._tokenised([text]) for text in texts]
        lengths = np.array([len(ids[0]) for ids, _ in alone], dtype=np.int64)
        self._starts = np.concatenate([[0], np.cumsum(lengths)])
        self._ids = np.concatenate([np.zeros(0, np.int64), *(ids[0] for ids, _ in alone)])
        self._mask = np.concatenate([np.zeros(0, np.bool_), *(mask[0] for _, mask in alone)])
        self._padding: int | None = None
        for start in range(0, len(texts), _CHUNK):
            self._compare(np.arange(start, min(start + _CHUNK, len(texts))))

    def padded(self, indices: "NDArray[np.int64]") -> Texts:
        """Ids and mask of these texts, as wide as the widest of them; at least one place wide."""
        ids, mask, _ = self._gathered(indices, 1)
        return Texts(torch.from_numpy(ids), torch.from_numpy(mask))

    def _gathered(
        self, indices: "NDArray[np.int64]", least: int
    ) -> "tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]":
        """Ids, mask, and which places are a text's own; [B, N] with N at least ``least``."""
        starts = self._starts[indices]
        lengths = self._starts[indices + 1] - starts
        columns = np.arange(max(int(lengths.max(initial=0)), least))
        own = columns < lengths[:, None]
        at = (starts[:, None] + columns)[own]
        ids = np.full(own.shape, self._padding or 0, dtype=np.int64)
        mask = np.zeros(own.shape, dtype=np.bool_)
        ids[own], mask[own] = self._ids[at], self._mask[at]
        return ids, mask, own

    def _compare(self, indices: "NDArray[np.int64]") -> None:
        """Refuse an encoder that gives these texts other places together than alone."""
        together, real = self._tokenised([self._texts[int(index)] for index in indices])
        ids, mask, own = self._gathered(indices, together.shape[1])
        if ids.shape != together.shape:
            self._refuse(int(indices[own.sum(axis=1).argmax()]))
        padding = together[~own]
        self._padding = int(padding[0]) if self._padding is None and len(padding) else self._padding
        ids[~own] = self._padding or 0
        wrong = ((ids != together) | (mask != real)).any(axis=1)
        if wrong.any():
            self._refuse(int(indices[wrong.argmax()]))

    def _refuse(self, index: int) -> NoReturn:
        raise DataError(
            f"{self._named} gives the text {shown(self._texts[index])} other token ids among other "
            "texts than alone; tokenize must give each text the same ids and mask, and behind them "
            "masked places with one id up to the longest of the texts"
        )

    def _tokenised(self, texts: Sequence[str]) -> "tuple[NDArray[np.int64], NDArray[np.bool_]]":
        """Ids and mask [B, N] of some texts."""
        try:
            given: object = self._encoder.tokenize(texts)
        except Exception as error:  # an encoder from outside may raise anything
            told = f": {shown(texts[0])}" if len(texts) == 1 else ""
            words = f"{type(error).__name__}: {error}"
            raise DataError(
                f"{self._named} cannot tokenise {len(texts)} of the texts{told} ({words}); it must "
                "take any text, also an empty one and one that lacks some of its words"
            ) from error
        fault = next(faults_of(given, len(texts)), None)
        if fault is not None or not isinstance(given, Texts):
            raise DataError(f"{self._named}: {fault}")
        return given.ids.to(torch.int64).numpy(), given.mask.numpy()

    @property
    def _named(self) -> str:
        return f"the text encoder {type(self._encoder).__name__}"


def faults_of(given: object, rows: int) -> Iterator[str]:
    """What keeps the result of ``tokenize`` from being ids and mask [B, N] of so many texts."""
    if not isinstance(given, Texts):
        yield f"tokenize must give Texts, got {type(given).__name__}"
        return
    for name, tensor in (("mask", given.mask), ("ids", given.ids)):
        if not isinstance(tensor, Tensor):
            yield f"{name} of tokenize must be a tensor, got {type(tensor).__name__}"
        elif tensor.ndim != 2 or len(tensor) != rows or tensor.device.type != "cpu":
            yield (
                f"{name} of tokenize must be [B = {rows}, N] in main memory, got "
                f"{list(tensor.shape)} on {tensor.device}"
            )
        elif tensor.shape != given.mask.shape:
            yield f"ids {list(tensor.shape)} and mask {list(given.mask.shape)} of tokenize differ"
    if isinstance(given.ids, Tensor) and given.ids.dtype not in _WHOLE:
        yield f"ids of tokenize must be whole numbers (int64), got {given.ids.dtype}"
    if isinstance(given.mask, Tensor) and given.mask.dtype != torch.bool:
        yield f"mask of tokenize must be bool, got {given.mask.dtype}"


def shown(text: str) -> str:
    """A text in quotes, cut where it is long."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
