"""What of the texts never reaches an encoder is counted, or at least seen."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from mmx import TextEncoder, Texts
from mmx.data import Split, cut_texts, loss_warnings, new_token_loss, token_loss, token_losses
from mmx.interfaces import Features, TokenCount

SPLIT = Split(np.array(["train", "train", "train", "test"]), 0, "x")
TEXTS = ["a b", "a b c d e f g h", "", "z z z a"]


class Words(TextEncoder):
    """Reads four words of a few letters."""

    def __init__(self, *, longest: int = 4, counts: bool = True) -> None:
        super().__init__()
        self.longest, self.counts = longest, counts

    def tokenize(self, texts: Sequence[str]) -> Texts:
        rows = [[1 + ord(word) for word in text.split()][: self.longest] for text in texts]
        width = max([1, *map(len, rows)])
        ids = torch.tensor([row + [0] * (width - len(row)) for row in rows])
        return Texts(ids, ids > 0)

    def count(self, texts: Sequence[str]) -> TokenCount | None:
        words = [text.split() for text in texts]
        if not self.counts:
            return None
        strange = [sum(word == "z" for word in one) for one in words]
        return TokenCount(
            [len(one) for one in words], [min(len(one), self.longest) for one in words], strange,
            "read more",
        )  # fmt: skip

    def forward(self, texts: Texts) -> Features:
        raise NotImplementedError


def test_cuts_and_unknown_tokens_are_counted_by_part() -> None:
    found, advice = token_losses(Words(), TEXTS, SPLIT)
    train, test = found["train"], found["test"]
    assert (train.texts, train.cut, train.lost, train.unknown) == (2, 1, 0.25, 0.0)
    assert (test.texts, test.cut, test.lost, test.unknown) == (1, 0, 0.0, 0.75)
    told = loss_warnings(found, "encoder.words", advice)
    assert "train 1 of 2 (on average 25% of the tokens lost); read more" in told[0]
    assert "unknown to the tokenizer of encoder.words" in told[1]
    assert "test 75%" in told[1]


@pytest.mark.parametrize("counts", [True, False])
def test_texts_are_counted_in_pieces(counts: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = token_losses(Words(counts=counts), TEXTS, SPLIT)
    monkeypatch.setattr(token_loss, "_CHUNK", 1)
    assert token_losses(Words(counts=counts), TEXTS, SPLIT) == whole


class NowAndThen(Words):
    """Counts only some of the texts."""

    def count(self, texts: Sequence[str]) -> TokenCount | None:
        return None if "a b" in texts else super().count(texts)


def test_an_encoder_that_counts_only_some_pieces_is_watched_in_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(token_loss, "_CHUNK", 1)
    found, _ = token_losses(NowAndThen(), TEXTS, SPLIT)
    assert [(one.cut, one.lost) for one in found.values()] == [(1, None), (0, None)]


def test_an_encoder_that_does_not_count_is_watched() -> None:
    found, advice = token_losses(Words(longest=5, counts=False), TEXTS, SPLIT)
    assert [(one.texts, one.cut, one.lost) for one in found.values()] == [
        (2, 1, None),
        (1, 0, None),
    ]
    assert "are cut at the end: train 1 of 2;" in loss_warnings(found, "encoder.words", advice)[0]


@pytest.mark.parametrize("counts", [True, False])
def test_nothing_lost_is_no_warning(counts: bool) -> None:
    found, advice = token_losses(Words(longest=99, counts=counts), [*TEXTS[:3], "a"], SPLIT)
    assert loss_warnings(found, "encoder.words", advice) == []


LONGER = "longer than E reads and cut at the end"


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (["a b", ""], []),
        (["a b c d e f g h"], [f"this text is {LONGER}; 50% of the tokens are lost"]),
        (
            ["a b c d e f g h", "a", ""],
            [
                f"1 of these 2 texts are {LONGER}; 25% of the tokens are lost, on average over all "
                "texts"
            ],
        ),
    ],
)
def test_new_texts_that_are_cut_are_told(texts: list[str], told: list[str]) -> None:
    assert cut_texts(new_token_loss(Words(), texts), "E") == told


def test_of_an_encoder_that_does_not_count_only_the_cut_is_told() -> None:
    loss = new_token_loss(Words(counts=False), ["a b c d e f g h"])
    assert cut_texts(loss, "E") == [f"this text is {LONGER}"]
