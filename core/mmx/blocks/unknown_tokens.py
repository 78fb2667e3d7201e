"""Which tokens of a text are not read, and which stand for what a vocabulary does not have."""

import re
from collections.abc import Sequence
from typing import Any

from mmx.interfaces import TokenCount

_BYTE = re.compile("<0x([0-9A-Fa-f]{2})>")
_PIECE = "\ufffd"  # what decoding writes for bytes that are no whole character


class UnknownTokens:
    """Counts them for a tokenizer of transformers, or one that decodes as they do.

    Unknown are the token for unknown words, and pieces of a character: vocabularies of bytes spell
    every text, and a model that reads a character as three bytes has hardly met its language.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._known: dict[int, bool] = {}

    def count(self, ids: Sequence[int]) -> int:
        """How many of these ids are unknown."""
        for one in set(ids) - self._known.keys():
            self._known[one] = self._strange(one)
        return sum(self._known[one] for one in ids)

    def _strange(self, one: int) -> bool:
        if one == getattr(self._tokenizer, "unk_token_id", None):
            return True
        names = getattr(self._tokenizer, "convert_ids_to_tokens", None)
        byte = _BYTE.fullmatch(str(names(one))) if names else None
        if byte:
            return int(byte[1], 16) >= 0x80
        return _PIECE in self._tokenizer.decode([one])


def token_count(
    tokenizer: Any, texts: Sequence[Sequence[int]], room: int, advice: str = ""
) -> TokenCount:
    """How much of some texts is read, where the first tokens of each are.

    Args:
        tokenizer: of transformers, or one that decodes as they do.
        texts: ids of each whole text, without special tokens.
        room: how many of them are read at most.
        advice: how more could be read.
    """
    lengths = [len(ids) for ids in texts]
    unknown = UnknownTokens(tokenizer)
    read = [min(length, room) for length in lengths]
    return TokenCount(lengths, read, [unknown.count(ids) for ids in texts], advice)
