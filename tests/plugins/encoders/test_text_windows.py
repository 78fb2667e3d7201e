"""Long texts in chunks: what fits is as before, what does not is read window by window."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mmx import Texts
from mmx.blocks import TextWindows, chunk_advice, ends_of, in_windows
from mmx.data import FeatureCache, FrozenEncoder, TextStore
from mmx_plugins.encoders.transformers import TransformersEncoder, TransformersParams

clip_folders = sys.modules["clip_folders"]

SHORT = ["a red lesion", "", "a brown lesion of the back, which itches"]
LONG = " ".join(f"finding {number} of the left lung is stable" for number in range(40))
LENGTH = 24


def encoder(chunks: int, pool: str = "mean") -> TransformersEncoder:
    params = TransformersParams.model_validate(
        {"max_length": LENGTH, "chunks": chunks, "pool": pool}
    )
    return params.build().eval()  # type: ignore[return-value]


@pytest.fixture(scope="module")
def four(bundled: None) -> TransformersEncoder:
    return encoder(4)


@pytest.fixture(scope="module")
def one(bundled: None) -> TransformersEncoder:
    return encoder(1)


def test_ids_are_cut_between_tokens_and_none_is_lost() -> None:
    found = in_windows(range(1, 12), 6, 9, ([100], [101]))
    assert found == [100, 1, 2, 3, 4, 101, 100, 5, 6, 7, 8, 101, 100, 9, 10, 11, 101]
    assert in_windows(range(1, 12), 6, 2, ([100], [101])) == found[:12]
    assert in_windows(range(1, 9), 6, 9, ([100], [101])) == found[:12]  # no empty window
    assert ends_of([7, 1, 2, 8, 9], [1, 2]) == ([7], [8, 9])


@pytest.mark.parametrize(("longest", "chunks", "words"), [(40, 1, "chunks: 3"), (40, 3, "")])
def test_the_advice_is_what_the_longest_text_needs(longest: int, chunks: int, words: str) -> None:
    assert words in chunk_advice(longest, 16, chunks)
    assert bool(words) == bool(chunk_advice(longest, 16, chunks))


def test_rows_become_windows_and_rows_again() -> None:
    ids = torch.arange(1, 15).reshape(2, 7)
    mask = torch.ones(2, 7, dtype=torch.bool)
    mask[1, 2:] = False
    windows = TextWindows(mask, 3)
    cut = windows.cut(ids)
    assert cut.tolist() == [[1, 2, 3], [4, 5, 6], [7, 0, 0], [8, 9, 10]]
    back = windows.joined(cut[..., None].float())[..., 0]
    assert back.tolist() == [[1, 2, 3, 4, 5, 6, 7], [8, 9, 10, 0, 0, 0, 0]]
    mean = windows.mean(torch.tensor([[7.0], [14.0], [70.0], [5.0]]))
    torch.testing.assert_close(mean, torch.tensor([[(3 * 7 + 3 * 14 + 70) / 7], [5.0]]))


def test_a_text_that_fits_has_the_same_features_whatever_the_chunks(
    one: TransformersEncoder, four: TransformersEncoder
) -> None:
    texts = one.tokenize(SHORT)
    assert torch.equal(texts.ids, four.tokenize(SHORT).ids)
    alone, windowed = one(texts), four(texts)
    for name in ("tokens", "pooled", "mask"):
        assert torch.equal(getattr(alone, name), getattr(windowed, name))


def test_its_neighbours_change_nothing(four: TransformersEncoder) -> None:
    alone = four(four.tokenize(SHORT[:1]))
    both = four(four.tokenize([LONG, SHORT[0]]))
    count = alone.tokens.shape[1]
    torch.testing.assert_close(both.tokens[1, :count], alone.tokens[0])
    torch.testing.assert_close(both.pooled[1], alone.pooled[0])
    turned = four(four.tokenize([SHORT[0], LONG]))
    torch.testing.assert_close(turned.pooled.flip(0), both.pooled)


@pytest.mark.parametrize("pool", ["mean", "cls"])
def test_windows_are_those_of_the_model_itself(pool: str, one: TransformersEncoder) -> None:
    four = encoder(4, pool)
    texts = four.tokenize([LONG])
    assert texts.ids.shape == (1, 4 * LENGTH)
    assert torch.equal(texts.ids[:, :LENGTH], one.tokenize([LONG]).ids)
    found = four(texts)
    windows = texts.ids.reshape(4, LENGTH)
    expected = four.network(input_ids=windows).last_hidden_state
    torch.testing.assert_close(found.tokens[0], expected.reshape(4 * LENGTH, -1))
    torch.testing.assert_close(found.levels[-1].tokens, found.tokens)
    each = expected.mean(1) if pool == "mean" else expected[:, 0]
    torch.testing.assert_close(found.pooled[0], each.mean(0))


def test_padding_changes_nothing(four: TransformersEncoder) -> None:
    texts = four.tokenize([LONG, SHORT[0]])
    wide = torch.nn.functional.pad
    padded = Texts(wide(texts.ids, (0, 2 * LENGTH)), wide(texts.mask, (0, 2 * LENGTH)))
    torch.testing.assert_close(four(padded).pooled, four(texts).pooled)


def test_gradients_reach_the_weights_through_every_window(four: TransformersEncoder) -> None:
    texts = four.tokenize([LONG, SHORT[0]])
    table = four.network.get_input_embeddings().weight
    table.requires_grad_(True)
    four(texts).pooled.square().sum().backward()
    last = texts.ids[0, 3 * LENGTH + 1 : 4 * LENGTH - 1]
    assert (table.grad[last].abs().sum(-1) > 0).all()
    table.grad = None


def test_what_is_read_is_counted(one: TransformersEncoder, four: TransformersEncoder) -> None:
    cut, windowed = one.count([LONG, "a"]), four.count([LONG, "a"])
    assert cut.total == windowed.total
    assert (cut.read[0], windowed.read[0]) == (LENGTH - 2, 4 * (LENGTH - 2))
    assert "set chunks: 8, which reads up to 176 tokens" in cut.advice
    assert all(read == 1 for read in (cut.read[1], windowed.read[1]))


def test_windows_are_encoded_once_and_come_back_from_the_cache(
    four: TransformersEncoder, tmp_path: Path
) -> None:
    store, cache = TextStore([LONG, *SHORT, LONG], four), FeatureCache(tmp_path, budget_gb=1)
    frozen = FrozenEncoder(four, "four windows", np.float32)
    with torch.no_grad():
        expected = four(store.collate(range(5)))
    for encoded in (4, 0):  # of five texts one stands there twice
        found = cache.encode(frozen, store, range(5), want=frozenset({"pooled", "tokens"}))
        assert found.encoded == encoded
        given = found.collate(range(5))
        torch.testing.assert_close(given.pooled, expected.pooled)
        torch.testing.assert_close(given.tokens[given.mask], expected.tokens[expected.mask])


@pytest.fixture
def strangers(tmp_path: Path) -> Callable[[str], Any]:
    """Tokenizers of other languages, made small."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    def make(kind: str) -> Any:
        if kind == "ascii":
            words = ["[UNK]", "a", "b", *(f"##{sign}" for sign in "ab")]
            model = models.WordPiece(
                {word: place for place, word in enumerate(words)}, unk_token="[UNK]"
            )
            found = Tokenizer(model)
            found.pre_tokenizer = pre_tokenizers.Whitespace()
        else:
            alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
            found = Tokenizer(models.BPE({sign: place for place, sign in enumerate(alphabet)}, []))
            found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
            found.decoder = decoders.ByteLevel()
        return PreTrainedTokenizerFast(
            tokenizer_object=found, unk_token="[UNK]" if kind == "ascii" else None
        )

    return make


@pytest.mark.parametrize(
    ("kind", "text", "unknown"),
    [
        ("ascii", "ab ba", 0), ("ascii", "ab ü ba", 1), ("bytes", "abc", 0), ("bytes", "患a", 3),
        ("bytes", "ü", 2),
    ],
)  # fmt: skip
def test_words_and_letters_that_a_vocabulary_lacks_are_unknown(
    strangers: Callable[[str], Any], kind: str, text: str, unknown: int
) -> None:
    from mmx.blocks import UnknownTokens

    tokenizer = strangers(kind)
    assert UnknownTokens(tokenizer).count(tokenizer(text)["input_ids"]) == unknown


@pytest.mark.parametrize("pool", ["trunk", "shared"])
@pytest.mark.parametrize("name", ["clip", "biomed"])
def test_a_long_text_is_read_in_windows_of_the_model(tmp_path: Path, name: str, pool: str) -> None:
    clip_folders.write(tmp_path, name)
    text_encoder = clip_folders.text_encoder
    one, three = text_encoder(tmp_path, pool=pool), text_encoder(tmp_path, pool=pool, chunks=3)
    room = one.tokenizer.longest - one.tokenizer.special
    long = [("a b c d e f g h " * 9).split()[start : start + room] for start in (0, room)]
    given = three.tokenize([" ".join([*long[0], *long[1]]), "a b"])
    with torch.no_grad():
        found, apart = three(given), one(one.tokenize([" ".join(part) for part in long]))
        short = one(one.tokenize(["a b"]))
    assert three.count([" ".join([*long[0], *long[1]])]).read == [2 * room]
    width = one.tokenizer.longest
    torch.testing.assert_close(found.tokens[0, :width], apart.tokens[0])
    torch.testing.assert_close(found.tokens[0, width : 2 * width], apart.tokens[1])
    torch.testing.assert_close(found.pooled[1], short.pooled[0])
    if pool == "trunk":
        torch.testing.assert_close(found.pooled[0], apart.pooled.mean(0))
    else:
        torch.testing.assert_close(found.pooled.norm(dim=1), torch.ones(2))
