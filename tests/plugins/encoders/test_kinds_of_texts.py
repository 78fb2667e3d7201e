"""Kinds of text models besides those that are compared: read as the library does, or refused."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers as hf
from tokenizers import Tokenizer, processors
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from mmx import ShapeError, WeightsError
from mmx_plugins.encoders.transformers import TransformersEncoder, TransformersParams

afresh: Callable[..., Any] = sys.modules["afresh"].afresh

SMALL: dict[str, Any] = {
    "vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2,
    "intermediate_size": 24,
}  # fmt: skip
XL: dict[str, Any] = {"vocab_size": 40, "d_model": 16, "n_layer": 3, "n_head": 2, "d_inner": 24}
GPT: dict[str, Any] = {"vocab_size": 40, "n_embd": 16, "n_layer": 3, "n_head": 2}
READ: dict[str, Callable[[], Any]] = {
    "xlm-roberta": lambda: hf.XLMRobertaModel(hf.XLMRobertaConfig(**SMALL)),
    "distilbert": lambda: hf.DistilBertModel(
        hf.DistilBertConfig(vocab_size=40, dim=16, n_layers=3, n_heads=2, hidden_dim=24)
    ),
    "electra": lambda: hf.ElectraModel(hf.ElectraConfig(**SMALL, embedding_size=8)),
    "deberta": lambda: hf.DebertaV2Model(hf.DebertaV2Config(**SMALL)),
    "modernbert": lambda: hf.ModernBertModel(
        hf.ModernBertConfig(**SMALL, pad_token_id=0, local_attention=4)
    ),
    "mpnet": lambda: hf.MPNetModel(hf.MPNetConfig(**SMALL)),
    "longformer": lambda: hf.LongformerModel(
        hf.LongformerConfig(**SMALL, attention_window=4, pad_token_id=0)
    ),
    "xlnet": lambda: hf.XLNetModel(hf.XLNetConfig(**XL)),
    "squeezebert": lambda: hf.SqueezeBertModel(hf.SqueezeBertConfig(**SMALL, embedding_size=16)),
    "layoutlm": lambda: hf.LayoutLMModel(hf.LayoutLMConfig(**SMALL)),
    "gpt2": lambda: hf.GPT2Model(hf.GPT2Config(**GPT)),
}
BLOCKS: dict[str, Any] = {"block_size": 4, "num_random_blocks": 1}
TEXTS = ["a b c d e f g h", "b", "c c a"]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Any], Path]:
    """Write a folder with a network and a tokenizer of eight words."""

    def save(network: Any) -> Path:
        network.save_pretrained(tmp_path)
        words = {w: n for n, w in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefgh"])}
        rules = Tokenizer(WordLevel(words, unk_token="[UNK]"))
        rules.pre_tokenizer = Whitespace()
        rules.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
        )
        made = hf.PreTrainedTokenizerFast(
            tokenizer_object=rules, pad_token="[PAD]", unk_token="[UNK]", sep_token="[SEP]"
        )
        made.save_pretrained(tmp_path)
        return tmp_path

    return save


def built(folder: Path, **settings: Any) -> TransformersEncoder:
    given = {"model": folder, **settings}
    return TransformersParams.model_validate(given).build().eval()  # type: ignore[return-value]


@pytest.mark.parametrize("name", READ)
@torch.no_grad()
def test_each_text_is_what_the_library_makes_of_it_alone(
    name: str, write: Callable[[Any], Path]
) -> None:
    network = afresh(READ[name]())
    encoder = built(write(network))
    given = encoder.tokenize(TEXTS)
    found = encoder(given)
    for row, mask in enumerate(given.mask):
        ids = given.ids[row, mask][None]
        wanted = network(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
        torch.testing.assert_close(found.tokens[row, mask], wanted[0], rtol=1e-5, atol=1e-5)
    encoder.learn("last")
    learn = [one.requires_grad for one in encoder.parameters()]
    assert 0 < sum(learn) < len(learn) / 2


@pytest.mark.parametrize(
    "make",
    [
        lambda: hf.ConvBertModel(hf.ConvBertConfig(**SMALL, embedding_size=16)),
        lambda: hf.NystromformerModel(hf.NystromformerConfig(**SMALL)),
        lambda: hf.YosoModel(hf.YosoConfig(**SMALL)),
    ],
)
def test_a_model_whose_answer_depends_on_the_texts_beside_is_refused(
    make: Callable[[], Any], write: Callable[[Any], Path]
) -> None:
    folder = write(afresh(make()))
    with pytest.raises(WeightsError, match="makes of a text depends on the texts beside it"):
        built(folder)


@torch.no_grad()
def test_a_long_text_has_one_answer_whatever_was_read_before(write: Callable[[Any], Path]) -> None:
    """BigBird attends in blocks until a short text comes, and in full from then on."""
    encoder = built(write(afresh(hf.BigBirdModel(hf.BigBirdConfig(**SMALL, **BLOCKS)))))
    long = encoder.tokenize(["a b c d e f g h " * 6])
    first = encoder(long).pooled
    encoder(encoder.tokenize(["a"]))
    assert torch.equal(encoder(long).pooled, first)
    assert "all tokens of a text attend to each other" in encoder.notes[-1]


def test_a_first_token_that_knows_nothing_is_no_class_token(write: Callable[[Any], Path]) -> None:
    folder = write(afresh(READ["gpt2"]()))
    with pytest.raises(WeightsError, match="the first knows nothing; use pool: mean"):
        built(folder, pool="cls")


def test_a_class_token_behind_the_text_is_not_its_first(write: Callable[[Any], Path]) -> None:
    folder = write(afresh(READ["xlnet"]()))
    file = folder / "tokenizer_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "cls_token": "[SEP]"}))
    with pytest.raises(WeightsError, match="its class token behind the text; use pool: mean"):
        built(folder, pool="cls")


def test_one_layer_that_is_run_many_times_has_no_last(write: Callable[[Any], Path]) -> None:
    encoder = built(write(afresh(hf.AlbertModel(hf.AlbertConfig(**SMALL, embedding_size=8)))))
    with pytest.raises(ShapeError, match="train: last lets nothing learn; use train: frozen"):
        encoder.learn("last")


def test_the_last_layer_may_lie_in_several_lists(write: Callable[[Any], Path]) -> None:
    config = hf.XLMConfig(vocab_size=40, emb_dim=16, n_layers=3, n_heads=2)
    encoder = built(write(afresh(hf.XLMModel(config))))
    encoder.learn("last")
    learn = {n.split(".")[1] for n, one in encoder.named_parameters() if one.requires_grad}
    assert learn == {"attentions", "layer_norm1", "ffns", "layer_norm2"}


@pytest.mark.parametrize(
    "make",
    [
        lambda: hf.CanineModel(hf.CanineConfig(**SMALL)),
        lambda: hf.IBertModel(hf.IBertConfig(**SMALL)),
    ],
)
def test_a_model_without_a_table_of_tokens_is_refused_in_words(
    make: Callable[[], Any], write: Callable[[Any], Path]
) -> None:
    folder = write(afresh(make()))
    with pytest.raises(WeightsError, match="no table of tokens that can be found"):
        built(folder)


def test_a_folder_without_a_configuration_names_the_one_inside(tmp_path: Path) -> None:
    (tmp_path / "0_Transformer").mkdir()
    with pytest.raises(WeightsError, match=r"no config.json, so it holds no model of transformer"):
        built(tmp_path)
    (tmp_path / "0_Transformer" / "config.json").write_text("{}")
    with pytest.raises(WeightsError, match="inside it that has one: 0_Transformer"):
        built(tmp_path)


@pytest.mark.parametrize("name", ["sentencepiece.bpe.model", "spiece.model", "spm.model"])
def test_a_tokenizer_of_pieces_names_the_library_that_reads_it(
    name: str, write: Callable[[Any], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(READ["xlm-roberta"]())
    home = "mmx_plugins.encoders._transformers.tokenizer"
    monkeypatch.setattr(f"{home}.find_spec", lambda library: None)
    (folder / name).write_bytes(b"pieces")
    built(folder)  # tokenizer.json is there as well
    (folder / "tokenizer.json").unlink()
    with pytest.raises(WeightsError, match=f"{name} is read by sentencepiece, which is not inst"):
        built(folder)
