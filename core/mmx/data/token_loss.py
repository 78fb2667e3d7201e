"""What of the texts never reaches an encoder: cut tokens, and tokens that its tokenizer lacks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mmx.data.split import Split
from mmx.interfaces import TextEncoder, TokenCount
from mmx.spec import PARTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST = 0.05  # share of texts cut, or of unknown tokens, above which it is a warning
_CHUNK = 4096  # texts counted together


@dataclass(frozen=True, slots=True)
class TokenLoss:
    """What is lost of the texts of a part.

    Attributes:
        texts: that hold a word.
        cut: how many of them are longer than what the encoder reads.
        lost: mean share of a text's tokens that is cut off, over all texts; None: not counted.
        unknown: share of all tokens that the tokenizer does not know; None: not counted.
        tokens: in all; None: not counted.
    """

    texts: int
    cut: int
    lost: float | None
    unknown: float | None
    tokens: int | None = None


def new_token_loss(encoder: TextEncoder, texts: Sequence[str]) -> TokenLoss:
    """The loss of texts that are in no part, such as those of new cases."""
    split = Split(np.full(len(texts), "test"), 0, "")
    found, _ = token_losses(encoder, texts, split)
    return found.get("test", TokenLoss(0, 0, None, None))


def strange_texts(loss: TokenLoss, known: float | None, encoder: str) -> list[str]:
    """A sentence on new texts of which clearly more is unknown than of those of training.

    Args:
        loss: of the new texts.
        known: share of unknown tokens of the training texts; None: it was not counted.
        encoder: its name, such as encoder.transformers.
    """
    usual = known or 0.0
    if loss.unknown is None or loss.tokens is None or loss.unknown <= max(MOST, 2 * usual):
        return []
    count = round(loss.unknown * loss.tokens)
    texts = "this text" if loss.texts == 1 else f"these {loss.texts} texts"
    told = "" if known is None else f", and of the training texts {known:.1%}"
    return [
        f"{count} of {loss.tokens} tokens of {texts} ({loss.unknown:.0%}) are unknown to the "
        f"tokenizer of {encoder}{told}: the model cannot read them as it read those it learned from"
    ]


def cut_texts(loss: TokenLoss, encoder: str) -> list[str]:
    """A sentence on new texts that are longer than what their encoder reads.

    Args:
        loss: of the new texts.
        encoder: its name, such as encoder.transformers.
    """
    if not loss.cut:
        return []
    which = "this text is" if loss.texts == 1 else f"{loss.cut} of these {loss.texts} texts are"
    over = "" if loss.texts == 1 else ", on average over all texts"
    lost = "" if loss.lost is None else f"; {loss.lost:.0%} of the tokens are lost{over}"
    return [f"{which} longer than {encoder} reads and cut at the end{lost}"]


def token_losses(
    encoder: TextEncoder, texts: Sequence[str], split: Split
) -> tuple[dict[str, TokenLoss], str]:
    """The loss of each part, and what the encoder advises against cuts.

    An encoder that does not count is watched: a text is cut (or just fits) when saying it twice
    gives the same ids. What is lost then, and what is unknown, is not known.
    """
    distinct = list(dict.fromkeys(texts))
    index = {text: row for row, text in enumerate(distinct)}
    row_of = np.fromiter((index[text] for text in texts), np.int64, len(texts))
    spoken = np.array([bool(text.strip()) for text in distinct], dtype=bool)
    counted = [
        _counted(encoder, distinct[start : start + _CHUNK])
        for start in range(0, len(distinct), _CHUNK)
    ]
    found = _Counts(counted, spoken)
    losses: dict[str, TokenLoss] = {
        part: found.of(row_of[split.rows(part)]) for part in PARTS if len(split.rows(part))
    }
    return losses, next((one.advice for one in counted if isinstance(one, TokenCount)), "")


def _counted(encoder: TextEncoder, texts: Sequence[str]) -> "TokenCount | NDArray[np.bool_]":
    """What the encoder counts, else which texts it cuts [B]."""
    count = encoder.count(texts)
    if count is not None:
        return count
    once = encoder.tokenize(texts)
    try:
        twice = encoder.tokenize([f"{text} {text}" for text in texts])
    except Exception:  # noqa: BLE001 - it takes no other texts than those of the data: no cut is known
        return np.zeros(len(texts), dtype=bool)
    ids = [
        [row[mask].tolist() for row, mask in zip(one.ids, one.mask, strict=True)]
        for one in (once, twice)
    ]
    return np.array([a == b and bool(a) for a, b in zip(*ids, strict=True)], dtype=bool)


def _cut(counted: "TokenCount | NDArray[np.bool_]") -> "NDArray[np.bool_]":
    """Which texts are cut [B]."""
    if isinstance(counted, TokenCount):
        return np.asarray(counted.read) < np.asarray(counted.total)
    return counted


class _Counts:
    """Counts of the distinct texts."""

    def __init__(
        self, counted: "Sequence[TokenCount | NDArray[np.bool_]]", spoken: "NDArray[np.bool_]"
    ) -> None:
        told = [one for one in counted if isinstance(one, TokenCount)]
        self.spoken, self.whole = spoken, len(told) == len(counted)
        if self.whole:
            self.total = np.concatenate([np.asarray(one.total) for one in told])
            self.read = np.concatenate([np.asarray(one.read) for one in told])
            self.unknown = np.concatenate([np.asarray(one.unknown) for one in told])
        self.cut = np.concatenate([_cut(one) for one in counted])

    def of(self, rows: "NDArray[np.int64]") -> TokenLoss:
        """The loss of these texts, each as often as it stands there."""
        rows = rows[self.spoken[rows]]
        cut = int((self.cut & self.spoken)[rows].sum())
        if not self.whole or not len(rows):
            return TokenLoss(len(rows), cut, None, None)
        total = np.maximum(self.total[rows], 1)
        lost = float((1 - self.read[rows] / total).clip(0).mean())
        unknown = float(self.unknown[rows].sum() / total.sum())
        return TokenLoss(len(rows), cut, lost, unknown, int(self.total[rows].sum()))


def loss_warnings(losses: Mapping[str, TokenLoss], encoder: str, advice: str) -> list[str]:
    """Sentences on parts of which more than 5 % is cut or unknown, each with a way out.

    Args:
        losses: part -> what is lost of it.
        encoder: its name, such as encoder.transformers.
        advice: of the encoder against cuts.
    """
    found = []
    cut = {part: one for part, one in losses.items() if one.cut > MOST * one.texts}
    if cut:
        told = ", ".join(
            f"{part} {one.cut} of {one.texts}"
            + ("" if one.lost is None else f" (on average {one.lost:.0%} of the tokens lost)")
            for part, one in cut.items()
        )
        out = advice or "let the encoder read more tokens"
        found.append(
            f"texts are longer than {encoder} reads and are cut at the end: {told}; {out}, or "
            "shorten the texts so that what matters stands first"
        )
    strange = {p: o for p, o in losses.items() if o.unknown is not None and o.unknown > MOST}
    if strange:
        told = ", ".join(f"{part} {one.unknown:.0%}" for part, one in strange.items())
        found.append(
            f"many tokens of the texts are unknown to the tokenizer of {encoder}, and the model "
            f"cannot tell them apart: {told}; use a text model of the language of these texts"
        )
    return found
