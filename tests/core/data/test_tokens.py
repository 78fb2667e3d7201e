"""What ``tokenize`` gives is what ``forward`` gets: places and values, whatever the mask."""

import itertools
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from mmx import DataError, Features, ShapeError, TextEncoder, Texts
from mmx.data import TextStore, tokens

LARGEST, SMALLEST = 2**63 - 1, -(2**63)


class Fields(TextEncoder):
    """One place per field, ``-`` for a missing one; texts of as many fields as they name."""

    def tokenize(self, texts: Sequence[str]) -> Texts:
        rows = [text.split() for text in texts]
        width = max(map(len, rows))
        ids = torch.full((len(rows), width), -5)
        mask = torch.zeros(len(rows), width, dtype=torch.bool)
        for place, row in enumerate(rows):
            for column, word in enumerate(row):
                ids[place, column] = 0 if word == "-" else int(word)
                mask[place, column] = word != "-"
        return self.changed(texts, Texts(ids, mask))

    def changed(self, texts: Sequence[str], given: Texts) -> Texts:
        return given

    def forward(self, texts: Texts) -> Features:
        raise ShapeError("never run here")


def every_mask() -> list[str]:
    """All masks of three fields with extreme values."""
    values = ("3000131072", str(LARGEST), str(SMALLEST))
    pick = itertools.product([True, False], repeat=3)
    return [" ".join(v if k else "-" for v, k in zip(values, kept, strict=True)) for kept in pick]


def test_places_and_values_are_kept_under_every_mask() -> None:
    texts = every_mask()
    store, wanted = TextStore(texts, Fields()), Fields().tokenize(texts)
    for rows in ([row] for row in range(8)):
        got = store.collate(rows)
        assert torch.equal(got.ids, wanted.ids[rows])
        assert torch.equal(got.mask, wanted.mask[rows])
    got = store.collate(range(8))
    assert torch.equal(got.ids, wanted.ids)
    assert torch.equal(got.mask, wanted.mask)


def test_texts_are_compared_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["1 2 3", "4", "5 6", "7 8 9", "-", "10"]
    whole = TextStore(texts, Fields()).collate(range(6))
    monkeypatch.setattr(tokens, "_CHUNK", 2)
    got = TextStore(texts, Fields()).collate(range(6))
    assert torch.equal(got.ids, whole.ids)
    assert torch.equal(got.mask, whole.mask)


def test_a_field_that_all_rows_lack_keeps_its_place() -> None:
    got = TextStore(["1 -", "2 -"], Fields()).collate([0, 1])
    assert got.ids.tolist() == [[1, 0], [2, 0]]
    assert got.mask.tolist() == [[True, False]] * 2


def test_a_narrower_text_is_padded_behind_with_the_padding_of_the_encoder() -> None:
    got = TextStore(["1 - 3", "4"], Fields()).collate([1, 0])
    assert got.ids.tolist() == [[4, -5, -5], [1, 0, 3]]
    assert got.mask.tolist() == [[True, False, False], [True, False, True]]


class Faulty(Fields):
    """Changes what it gives, so that it cannot be kept."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault = fault

    def changed(self, texts: Sequence[str], given: Texts) -> Texts:
        ids, mask = given.ids, given.mask
        if self.fault == "raises" and any("-" in text for text in texts):
            raise ValueError("what is a dash")
        if self.fault == "padded in front":
            return Texts(*(in_front(x, [len(t.split()) for t in texts]) for x in (ids, mask)))
        changed = {
            "depends on others": (ids + len(texts), mask),
            "too wide": (ids.repeat(1, len(texts)), mask.repeat(1, len(texts))),
            "fractions": (ids / 2, mask),
            "numbers as mask": (ids, mask.long()),
            "one vector": (ids[0], mask[0]),
            "a row too many": (ids.repeat(2, 1), mask.repeat(2, 1)),
            "wider mask": (ids, mask.repeat(1, 2)),
            "lists": (ids.tolist(), mask),
            "elsewhere": (ids.to("meta"), mask),
        }
        return Texts(*changed.get(self.fault, (ids, mask)))


def in_front(values: Tensor, lengths: list[int]) -> Tensor:
    return torch.stack([row.roll(-n) for row, n in zip(values, lengths, strict=True)])


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("raises", r"cannot tokenise 1 of the texts: '- 3' \(ValueError: what is a dash\)"),
        ("padded in front", "gives the text '4' other token ids among other texts than alone"),
        ("depends on others", "other token ids among other texts"),
        ("too wide", "other token ids among other texts"),
        ("fractions", r"whole numbers \(int64\), got torch.float32"),
        ("numbers as mask", "must be bool, got torch.int64"),
        ("one vector", r"must be \[B = 1, N\] in main memory, got \[1\]"),
        ("a row too many", r"must be \[B = 1, N\] in main memory, got \[2, 1\]"),
        ("wider mask", r"ids \[1, 1\] and mask \[1, 2\] of tokenize differ"),
        ("lists", "ids of tokenize must be a tensor, got list"),
        ("elsewhere", "in main memory, got .* on meta"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_the_name_of_the_encoder(
    fault: str, words: str
) -> None:
    with pytest.raises(DataError, match=f"text encoder Faulty.*{words}"):
        TextStore(["4", "- 3"], Faulty(fault)).collate([0])


def test_something_else_than_texts_is_refused() -> None:
    class Listing(Fields):
        def changed(self, texts: Sequence[str], given: Texts) -> Texts:
            return list(texts)  # type: ignore[return-value]

    with pytest.raises(DataError, match="Listing: tokenize must give Texts, got list"):
        TextStore(["1"], Listing()).collate([0])


def test_smaller_whole_numbers_are_widened() -> None:
    class Small(Fields):
        def changed(self, texts: Sequence[str], given: Texts) -> Texts:
            return Texts(given.ids.to(torch.int16), given.mask)

    got = TextStore(["7 8"], Small()).collate([0])
    assert (got.ids.tolist(), got.ids.dtype) == ([[7, 8]], torch.int64)
