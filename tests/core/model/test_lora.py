"""Adapters: the start is the network itself, merging changes nothing, and only they move."""

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers as hf
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from torch import Tensor, nn
from torch.nn.functional import linear

import mmx
from mmx.errors import ShapeError
from mmx.interfaces import ADAPTER, Encoder, Images, Inputs, Lora, LoraTraining, TextEncoder
from mmx.plugins import Plugins

LORA = LoraTraining(lora=Lora(rank=3, alpha=5))
SMALL: dict[str, Any] = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24,
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("models")
    hf.ViTModel(hf.ViTConfig(**SMALL, image_size=32, patch_size=8)).save_pretrained(found / "vit")
    hf.ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(found / "vit")
    known = {word: n for n, word in enumerate(["[PAD]", "[UNK]", *"abcdefgh"])}
    rules = Tokenizer(WordLevel(known, unk_token="[UNK]"))
    rules.pre_tokenizer = Whitespace()
    for name, network in {
        "bert": hf.BertModel(hf.BertConfig(**SMALL, vocab_size=10)),
        "distilbert": hf.DistilBertModel(
            hf.DistilBertConfig(vocab_size=10, dim=16, hidden_dim=24, n_layers=2, n_heads=2)
        ),
    }.items():
        network.save_pretrained(found / name)
        hf.PreTrainedTokenizerFast(
            tokenizer_object=rules, pad_token="[PAD]", unk_token="[UNK]"
        ).save_pretrained(found / name)
    return found


def built(kind: str, folder: Path, **settings: Any) -> Encoder:
    params = Plugins().find("encoder", kind)
    if kind in ("hf_vision", "transformers"):
        settings = {**settings, "model": folder / settings.get("model", "vit")}
    torch.manual_seed(0)
    encoder = params.model_validate({"weights": "none", **settings}).build()  # type: ignore[attr-defined]
    return encoder.eval()  # type: ignore[no-any-return]


ENCODERS: dict[str, tuple[str, dict[str, Any], int]] = {
    "hf_vision": ("hf_vision", {}, 32),
    "timm vit": ("timm", {"arch": "test_vit"}, 160),
    "timm cnn": ("timm", {"arch": "test_efficientnet"}, 64),
    "torchvision cnn": ("torchvision", {"arch": "resnet18"}, 64),
    "bert": ("transformers", {"model": "bert"}, 0),
    "distilbert": ("transformers", {"model": "distilbert"}, 0),
}


def inputs_of(encoder: Encoder, side: int) -> Inputs:
    """Two texts, or two images of this size."""
    if isinstance(encoder, TextEncoder):
        return encoder.tokenize(["a b c d e", "f"])
    return pixels(side)


def pixels(side: int) -> Images:
    generator = torch.Generator().manual_seed(1)
    shown = torch.randint(256, (2, 1, 3, side, side), dtype=torch.uint8, generator=generator)
    return Images(shown, torch.ones(2, 1, dtype=torch.bool))


def perturb(encoder: nn.Module) -> None:
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for name, one in encoder.named_parameters():
            if ".lora_B" in name:
                one.copy_(torch.randn(one.shape, generator=generator) * 0.1)


@pytest.mark.parametrize("name", ENCODERS)
def test_the_start_is_the_network_and_merging_changes_nothing(folder: Path, name: str) -> None:
    kind, settings, side = ENCODERS[name]
    encoder = built(kind, folder, **settings)
    images = inputs_of(encoder, side)
    with torch.no_grad():
        plain = encoder(images).pooled
        encoder.learn(LORA)
        assert torch.equal(encoder.eval()(images).pooled, plain)
        perturb(encoder)
        adapted = encoder(images).pooled
        assert (adapted - plain).norm() > 1e-3 * plain.norm()
        for module in encoder.modules():
            if hasattr(module, "lora_A"):
                module.merge()  # type: ignore[operator]
        scale = adapted.abs().max()
        assert (encoder(images).pooled - adapted).abs().max() <= 1e-6 * scale


def test_an_adapter_adds_its_product(folder: Path) -> None:
    encoder = built("hf_vision", folder)
    encoder.learn(LORA)
    perturb(encoder)
    layer: Any = next(one for one in encoder.modules() if hasattr(one, "lora_A"))
    x = torch.randn(4, 16)
    first, second = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    base = layer.base_layer
    weight = base.weight + 5 / 3 * second @ first
    torch.testing.assert_close(layer(x), linear(x, weight, base.bias))


@pytest.mark.parametrize("name", ENCODERS)
def test_each_adapter_learns_and_nothing_else_moves(folder: Path, name: str) -> None:
    kind, settings, side = ENCODERS[name]
    encoder = built(kind, folder, **settings)
    images = inputs_of(encoder, side)
    encoder.learn(LORA)
    encoder.learn(LORA)  # told twice, adapted once
    perturb(encoder)
    before = {key: value.clone() for key, value in encoder.state_dict().items()}
    learning = [one for one in encoder.parameters() if one.requires_grad]
    optimiser = torch.optim.AdamW(learning, lr=0.1)
    encoder.train()
    assert encoder.training
    found = encoder(images)
    assert isinstance(found.pooled, Tensor)
    (found.pooled.square().sum() + found.tokens.sum()).backward()
    optimiser.step()
    for key, value in encoder.state_dict().items():
        assert torch.equal(value, before[key]) != (ADAPTER in key), key
    assert sum(ADAPTER in key for key in before) == len(learning)
    assert f"{sum(one.numel() for one in learning):,} parameters" in encoder.notes[-1]


def test_queries_and_values_or_all_linear_layers(folder: Path) -> None:
    def adapted(kind: str, **settings: Any) -> set[str]:
        targets = settings.pop("targets", None)
        encoder = built(kind, folder, **settings)
        encoder.learn(LoraTraining(lora=Lora(targets=targets)))
        names = (name for name, one in encoder.named_modules() if hasattr(one, "lora_A"))
        return {name.rpartition(".")[2] for name in names}

    assert adapted("hf_vision") == {"q_proj", "v_proj"} or adapted("hf_vision") == {
        "query",
        "value",
    }
    assert len(adapted("hf_vision", targets="all_linear")) > 3
    assert adapted("timm", arch="test_vit") == {"qkv"}
    assert adapted("transformers", model="bert") == {"query", "value"}
    assert adapted("transformers", model="distilbert") == {"q_lin", "v_lin"}
    assert "conv_dw" not in adapted("timm", arch="test_efficientnet")
    with pytest.raises(ShapeError, match="no layers of queries and values; use all_linear"):
        adapted("timm", arch="test_efficientnet", targets="attention")


def test_dropout_hides_inputs_of_adapters_in_training_alone(folder: Path) -> None:
    encoder, images = built("hf_vision", folder), pixels(32)
    encoder.learn(LoraTraining(lora=Lora(dropout=0.5)))
    perturb(encoder)
    with torch.no_grad():
        plain = encoder.eval()(images).pooled
        assert torch.equal(encoder(images).pooled, plain)
        encoder.train()
        assert not torch.equal(encoder(images).pooled, plain)


@pytest.mark.parametrize(
    ("train", "at", "words"),
    [
        ("{lora: {rank: 0}}", "0", "model.image.train.lora.rank: should be greater than 0"),
        ("{lora: {ranks: 4}}", "ranks", "lora.ranks: unknown key 'ranks'; nearest: rank"),
        ("{lora: 4}", "4", "model.image.train.lora: a mapping of keys"),
        ("{}", "{}", "model.image.train.lora: is missing"),
        ("lora", "lora", "'lora' is not 'frozen', 'last', 'full' or {lora: {rank: 8"),
        ("{lora: {targets: [quer]}}", "[quer]", "'quer' is not 'query', 'key' or 'value'; nearest"),
        ("{lora: {dropout: 1}}", "1", "model.image.train.lora.dropout: should be less than 1"),
    ],
)
def test_mistakes_are_told_at_their_place(tmp_path: Path, train: str, at: str, words: str) -> None:
    line = f"  image: {{type: timm, weights: none, train: {train}}}"
    file = tmp_path / "s.yaml"
    file.write_text(
        "name: s\ndata: {dataset: {type: synthetic}}\nmodel:\n"
        f"  fusion: {{type: only, modality: image}}\n{line}\n"
    )
    with pytest.raises(mmx.SpecError) as error:
        mmx.load_spec(file)
    column = line.index(train) + train.index(at) + 1
    found = str(error.value)
    assert f"s.yaml:5:{column}: " in found
    assert words in found


def test_a_backbone_inside_another_encoder_takes_adapters() -> None:
    params = Plugins().find("encoder", "multi_view")
    backbone = {"type": "timm", "arch": "test_efficientnet", "weights": "none"}
    settings = {"backbone": backbone, "train": {"lora": {"rank": 2}}}
    encoder: Any = params.model_validate(settings).build()  # type: ignore[attr-defined]
    encoder.learn(LoraTraining(lora=Lora(rank=2)))
    inside = dict(encoder.backbone.named_parameters())
    assert any(ADAPTER in name for name in inside)
    assert all(one.requires_grad == (ADAPTER in name) for name, one in inside.items())
    outside = [one for name, one in encoder.named_parameters() if not name.startswith("backbone.")]
    assert outside
    assert all(one.requires_grad for one in outside)
