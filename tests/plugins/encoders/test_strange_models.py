"""Folders that hold another kind of model, or a damaged one, are told in plain words."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import (
    BertConfig,
    BlipConfig,
    PreTrainedTokenizerFast,
    RobertaConfig,
    T5Config,
    ViTConfig,
)

from mmx.errors import WeightsError
from mmx_plugins.encoders.transformers import TransformersParams

SMALL: dict[str, Any] = {
    "vocab_size": 20,
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 8,
}
SMALL_VIT: dict[str, Any] = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Write a folder with a configuration and a tokenizer of ten words."""

    def write(config: object) -> Path:
        config.save_pretrained(tmp_path)  # type: ignore[attr-defined]
        words = {word: place for place, word in enumerate(["[PAD]", "[UNK]", *"abcdefgh"])}
        rules = Tokenizer(WordLevel(words, unk_token="[UNK]"))
        rules.pre_tokenizer = Whitespace()
        made = PreTrainedTokenizerFast(tokenizer_object=rules, pad_token="[PAD]", unk_token="[UNK]")
        made.save_pretrained(tmp_path)
        return tmp_path

    return write


def built(folder: Path, **settings: object) -> object:
    given = {"model": folder, "weights": "none", **settings}
    return TransformersParams.model_validate(given).build()


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (BlipConfig(), "'blip', whose half for texts is not read"),
        (ViTConfig(**SMALL_VIT), "'vit', which reads no texts"),
    ],
)
def test_another_kind_of_model_is_named(
    folder: Callable[..., Path], config: object, words: str
) -> None:
    with pytest.raises(WeightsError, match=words):
        built(folder(config))


def test_a_tokenizer_of_another_model_is_told(folder: Callable[..., Path]) -> None:
    with pytest.raises(WeightsError, match="knows 10 tokens, the model 9"):
        built(folder(BertConfig(**{**SMALL, "vocab_size": 9})))


@pytest.mark.parametrize(
    "config",
    [
        BertConfig(**SMALL),
        RobertaConfig(**SMALL),
        T5Config(vocab_size=200, d_model=8, num_layers=1),
    ],
)
def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path, config: Any) -> None:
    config.save_pretrained(tmp_path)  # the library makes an empty tokenizer up for it
    with pytest.raises(WeightsError, match=r"has no tokenizer: it holds none of .*tokenizer.json"):
        built(tmp_path)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json"])
@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"model_type": 7}', "\x00" * 9])
def test_a_damaged_folder_is_read_or_refused(
    folder: Callable[..., Path], name: str, content: str
) -> None:
    where = folder(BertConfig(**SMALL))
    (where / name).write_text(content)
    with suppress(WeightsError):  # nothing else comes out
        built(where)


@pytest.mark.parametrize("values", [{"num_attention_heads": 3}, {"hidden_size": "wide"}])
def test_settings_that_fit_no_network_are_told(
    folder: Callable[..., Path], values: dict[str, object]
) -> None:
    where = folder(BertConfig(**SMALL))
    known = json.loads((where / "config.json").read_text())
    (where / "config.json").write_text(json.dumps({**known, **values}))
    with pytest.raises(WeightsError, match="transformers says"):
        built(where)


def test_texts_end_where_the_positions_end(folder: Callable[..., Path]) -> None:
    where = folder(RobertaConfig(**SMALL, max_position_embeddings=18, pad_token_id=1))
    encoder = built(where, max_length=64)
    texts = encoder.tokenize(["a b c d e f g h " * 5])  # type: ignore[attr-defined]
    assert texts.ids.shape == (1, 16)  # 18 places, of which two stand before the first token
    assert encoder(texts).tokens.shape == (1, 16, 8)  # type: ignore[operator]
