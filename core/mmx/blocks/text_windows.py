"""Long texts in windows: cut between tokens, encoded one by one, and put together again."""

from collections.abc import Sequence
from math import ceil

import torch
from einops import rearrange
from torch import Tensor
from torch.nn.functional import pad

_ADVISED = 8  # windows; with more of them training takes long


def in_windows(
    ids: Sequence[int], length: int, most: int, ends: tuple[Sequence[int], Sequence[int]]
) -> list[int]:
    """The ids of a text as windows, one behind the other, all but the last one ``length`` long.

    Args:
        ids: of the whole text, without special tokens.
        length: of a window, special tokens included.
        most: windows; what does not fit into them is cut.
        ends: special tokens before and behind the ids of each window.
    """
    before, behind = ends
    room = length - len(before) - len(behind)
    starts = range(0, min(len(ids), room * most), room)
    windows = [[*before, *ids[start : start + room], *behind] for start in starts]
    return [one for window in windows for one in window]


def ends_of(whole: Sequence[int], plain: Sequence[int]) -> tuple[list[int], list[int]]:
    """The special tokens before and behind a text, by its ids with and without them."""
    starts = range(len(whole) - len(plain) + 1)
    at = next((one for one in starts if list(whole[one : one + len(plain)]) == list(plain)), 0)
    return list(whole[:at]), list(whole[at + len(plain) :])


def chunk_advice(longest: int, room: int, chunks: int) -> str:
    """What to set so that texts of this many tokens are read; empty where it would not help.

    Args:
        longest: tokens of the longest text, without special ones.
        room: tokens of a text in a window.
        chunks: windows that are read now.
    """
    wanted = min(ceil(longest / max(room, 1)), _ADVISED)
    if wanted <= chunks:
        return ""
    return f"set chunks: {wanted}, which reads up to {wanted * room} tokens of a text"


class TextWindows:
    """Rows [B, N] as windows [W, L], and what is computed of these as rows again.

    A row has as many windows as it has real tokens for, at least one; others are never encoded.
    Rows that are no wider than a window are left as they are.
    """

    def __init__(self, mask: Tensor, length: int) -> None:
        """Find the windows.

        Args:
            mask: [B, N], bool, of real tokens.
            length: L, places of a window.
        """
        self.places = mask.shape[1]
        self.count = max(1, ceil(self.places / length))
        self.length = length if self.count > 1 else self.places
        self._lengths = self._each(mask).sum(dim=-1)  # [B, count]
        self._used = self._lengths > 0
        self._used[:, 0] = True

    def _each(self, rows: Tensor) -> Tensor:
        """[B, N] -> [B, count, L], zeros behind the last place."""
        whole = pad(rows, (0, self.count * self.length - self.places))
        return rearrange(whole, "b (w n) -> b w n", w=self.count)

    def cut(self, rows: Tensor) -> Tensor:
        """[B, N] -> [W, L]."""
        return rows if self.count == 1 else self._each(rows)[self._used]

    def joined(self, tokens: Tensor) -> Tensor:
        """[W, L, D] -> [B, N, D]; zeros where a row has no window."""
        if self.count == 1:
            return tokens
        whole = tokens.new_zeros(*self._used.shape, *tokens.shape[1:])
        whole[self._used] = tokens
        return rearrange(whole, "b w n d -> b (w n) d")[:, : self.places]

    def mean(self, vectors: Tensor) -> Tensor:
        """[W, D] -> [B, D], the mean of the windows of each row, each by its number of tokens."""
        if self.count == 1:
            return vectors
        total = self._lengths.sum(dim=1, keepdim=True).clamp(min=1)
        shares = (self._lengths / total)[self._used].to(vectors.dtype)
        rows = torch.nonzero(self._used)[:, 0]
        whole = vectors.new_zeros(len(self._used), vectors.shape[1])
        return whole.index_add(0, rows, vectors * shares[:, None])
