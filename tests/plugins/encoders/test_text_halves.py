"""Text encoders of transformers against the library's own features, every number drawn afresh."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, processors
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import (
    BartConfig,
    BartModel,
    BertConfig,
    BertForMaskedLM,
    BertModel,
    CLIPConfig,
    CLIPModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaModel,
    SiglipConfig,
    SiglipModel,
    T5Config,
    T5EncoderModel,
    T5Model,
)

from mmx import Texts, WeightsError
from mmx_plugins.encoders.transformers import TransformersEncoder, TransformersParams

afresh: Callable[..., Any] = sys.modules["afresh"].afresh

TEXTS = ["a b c d e f g h", "b", "c c a"]
SMALL: dict[str, Any] = {
    "vocab_size": 20,
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 24,
}
TALL: dict[str, Any] = {
    "vocab_size": 20, "d_model": 16, "encoder_layers": 3, "decoder_layers": 1,
    "encoder_ffn_dim": 24, "decoder_ffn_dim": 24, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "max_position_embeddings": 40,
}  # fmt: skip
T5: dict[str, Any] = {
    "vocab_size": 20, "d_model": 16, "d_kv": 8, "d_ff": 24, "num_layers": 3, "num_heads": 2
}  # fmt: skip
VISION = {**SMALL, "image_size": 32, "patch_size": 16, "num_hidden_layers": 1}


def clip() -> CLIPModel:
    text = {**SMALL, "max_position_embeddings": 40, "eos_token_id": 3, "pad_token_id": 0}
    return CLIPModel(CLIPConfig(text_config=text, vision_config=VISION, projection_dim=8))


def siglip() -> SiglipModel:
    text = {**SMALL, "max_position_embeddings": 12, "eos_token_id": 3, "pad_token_id": 3}
    return SiglipModel(SiglipConfig(text_config=text, vision_config=VISION))


NETWORKS: dict[str, Callable[[], Any]] = {
    "bert": lambda: BertModel(BertConfig(**SMALL)),
    "roberta": lambda: RobertaModel(RobertaConfig(**SMALL, max_position_embeddings=40)),
    "t5": lambda: T5Model(T5Config(**T5)),
    "gated t5": lambda: T5EncoderModel(T5Config(**T5, feed_forward_proj="gated-gelu")),
    "bart": lambda: BartModel(BartConfig(**TALL)),
    "clip": clip,
    "siglip": siglip,
}


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Any], Path]:
    """Write a folder with a network and a tokenizer of eight words that ends texts with [END]."""

    def save(network: Any) -> Path:
        network.save_pretrained(tmp_path)
        words = {
            word: n for n, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[END]", *"abcdefgh"])
        }
        rules = Tokenizer(WordLevel(words, unk_token="[UNK]"))
        rules.pre_tokenizer = Whitespace()
        rules.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [END]", special_tokens=[("[CLS]", 2), ("[END]", 3)]
        )
        made = PreTrainedTokenizerFast(
            tokenizer_object=rules, pad_token="[PAD]", unk_token="[UNK]", eos_token="[END]"
        )
        made.save_pretrained(tmp_path)
        return tmp_path

    return save


def built(folder: Path, **settings: Any) -> TransformersEncoder:
    given = {"model": folder, "fractions": (1 / 3, 2 / 3, 1.0), **settings}
    return TransformersParams.model_validate(given).build().eval()  # type: ignore[return-value]


def half(network: Any) -> Any:
    """What of the library's own network reads texts."""
    if isinstance(network, CLIPModel | SiglipModel):
        return network.text_model
    return network.get_encoder() if hasattr(network, "decoder") else network


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("texts", [TEXTS, TEXTS[1:]], ids=["long", "short"])
@pytest.mark.parametrize("kind", ["safetensors", "bin"])
def test_tokens_levels_and_pooled_are_the_library_s(
    name: str, texts: list[str], kind: str, write: Callable[[Any], Path],
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    monkeypatch.setenv("MMX_CACHE", str(tmp_path / "cache"))
    network = afresh(NETWORKS[name]())
    folder = write(network)
    if kind == "bin":
        (folder / "model.safetensors").unlink()
        torch.save(network.state_dict(), folder / "pytorch_model.bin")
    encoder = built(folder).double()
    given = encoder.tokenize(texts)
    found = encoder(given)
    with torch.no_grad():
        expected = asked(half(network.double()), given)
    real = given.mask
    close = {"rtol": 1e-6, "atol": 1e-6, "check_dtype": False}
    for level, depth in zip(found.levels[:2], (1, 2), strict=True):
        hidden = expected.hidden_states[depth][:, : real.shape[1]]
        torch.testing.assert_close(level.tokens[real], hidden[real], **close)
    last = expected.last_hidden_state[:, : real.shape[1]]
    means = torch.stack([last[row][real[row]].mean(0) for row in range(len(texts))])
    torch.testing.assert_close(found.tokens[real], last[real], **close)
    torch.testing.assert_close(found.pooled, means, **close)


def asked(network: Any, given: Texts) -> Any:
    """What the library's own network makes of texts; a SigLIP reads all of its positions."""
    if network.config.model_type != "siglip_text_model":
        return network(
            input_ids=given.ids, attention_mask=given.mask.long(), output_hidden_states=True
        )
    whole = torch.full((len(given.ids), 12), 3)
    whole[:, : given.ids.shape[1]] = given.ids.masked_fill(~given.mask, 3)
    return network(input_ids=whole, output_hidden_states=True)


def test_siglip_pools_at_its_last_position(write: Callable[[Any], Path]) -> None:
    network = afresh(siglip())
    encoder = built(write(network), pool="pooler", max_length=256)
    assert encoder.max_length == 12
    given = encoder.tokenize([*TEXTS, "a b c d e f g h a b c d e f g h"])
    with torch.no_grad():
        expected = asked(network.text_model, given).pooler_output
    torch.testing.assert_close(encoder(given).pooled, expected)
    alone = encoder.tokenize(TEXTS[1:2])
    torch.testing.assert_close(encoder(alone).pooled, expected[1:2])
    encoder.learn("full")
    encoder(given).pooled.sum().backward()
    assert all(one.grad is not None for one in encoder.parameters())
    plain = built(write(network))
    plain.learn("full")
    plain(given).tokens.sum().backward()
    assert all(one.grad is not None for one in plain.parameters())


def test_clip_pools_at_the_end_of_the_text(write: Callable[[Any], Path]) -> None:
    network = afresh(clip())
    encoder = built(write(network), pool="pooler")
    given = encoder.tokenize(TEXTS)
    with torch.no_grad():
        expected = network.text_model(input_ids=given.ids, attention_mask=given.mask.long())
    torch.testing.assert_close(encoder(given).pooled, expected.pooler_output)
    assert (given.ids[torch.arange(3), given.mask.sum(1) - 1] == 3).all()


def test_what_clip_does_not_have_is_refused(write: Callable[[Any], Path]) -> None:
    folder = write(clip())
    with pytest.raises(WeightsError, match=r"knows nothing; use pool: pooler"):
        built(folder, pool="cls")
    rules = (folder / "tokenizer.json").read_text().replace('"id": "[END]"', '"id": "[CLS]"')
    (folder / "tokenizer.json").write_text(rules)
    with pytest.raises(WeightsError, match=r"pools at the token 3.*writes none"):
        built(folder, pool="pooler")


def test_t5_and_bart_have_no_pooler(write: Callable[[Any], Path]) -> None:
    with pytest.raises(WeightsError, match="no pooler"):
        built(write(T5Model(T5Config(**T5))), pool="pooler")


def test_old_names_and_heads_of_a_bert_are_read(write: Callable[[Any], Path]) -> None:
    network = afresh(BertForMaskedLM(BertConfig(**SMALL)))
    folder = write(network)
    (folder / "model.safetensors").unlink()
    old = {"bert.embeddings.position_ids": torch.arange(9)[None]}
    for name, value in network.state_dict().items():
        ended = name.replace("LayerNorm.weight", "LayerNorm.gamma")
        old[ended.replace("LayerNorm.bias", "LayerNorm.beta")] = value
    torch.save(old, folder / "pytorch_model.bin")
    encoder = built(folder)
    assert "without their prefix 'bert.'; " in encoder.notes[0]
    assert "others were not read, such as cls.predictions" in encoder.notes[0]
    assert encoder.weights["converted_sha256"]
    given = encoder.tokenize(TEXTS)
    with torch.no_grad():
        expected = network.bert(input_ids=given.ids, attention_mask=given.mask.long())
    torch.testing.assert_close(
        encoder(given).tokens[given.mask], expected.last_hidden_state[given.mask]
    )


@pytest.mark.parametrize("name", ["t5", "clip", "siglip"])
def test_the_last_stage_learns(name: str, write: Callable[[Any], Path]) -> None:
    encoder = built(write(NETWORKS[name]()))
    encoder.learn("last")
    learning = [n for n, p in encoder.named_parameters() if p.requires_grad]
    assert learning
    assert all(".2." in n or "final_layer_norm" in n for n in learning)
    assert any("final_layer_norm" in n for n in learning)


def test_the_page_of_models_lists_what_is_compared_here() -> None:
    page = (Path(__file__).parents[3] / "docs" / "models.md").read_text(encoding="utf-8")
    rows = [
        line.split(" | ")
        for line in page.splitlines()
        if line.startswith("| `encoder.transformers`")
    ]
    assert [cells[1] for cells in rows] == list(NETWORKS)
