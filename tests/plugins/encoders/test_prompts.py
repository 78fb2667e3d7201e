"""Sentences about classes against the library's own zero-shot classifier."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers as hf

from mmx import WeightsError
from mmx_plugins.encoders.hf_vision import HfVisionParams
from mmx_plugins.encoders.open_clip import OpenClipParams

afresh: Callable[..., Any] = sys.modules["afresh"].afresh
clip_folders = sys.modules["clip_folders"]
MODELS, write = clip_folders.MODELS, clip_folders.write

CLASSES = ["a b", "c", "d e f"]
TEMPLATES = ["{}", "h {}", "g g {} h"]
SMALL: dict[str, Any] = {
    "hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 24,
    "image_size": 32, "patch_size": 8,
}  # fmt: skip
TEXT: dict[str, Any] = {
    "vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 24, "bos_token_id": 2, "eos_token_id": 39, "pad_token_id": 1,
    "max_position_embeddings": 12,
}  # fmt: skip
PROMPTS = [one.replace("{}", name) for name in CLASSES for one in TEMPLATES]


def params(folder: Path, **settings: Any) -> OpenClipParams:
    return OpenClipParams.model_validate({"model": folder, "pool": "shared", **settings})


@pytest.mark.parametrize("name", MODELS)
def test_logits_are_those_of_the_library(tmp_path: Path, name: str) -> None:
    import open_clip

    network = write(tmp_path, name)
    side = MODELS[name]["vision_cfg"]["image_size"]
    pixels = torch.randn(4, 3, side, side, generator=torch.Generator().manual_seed(1))
    made = params(tmp_path)
    encoder: Any = made.build().eval()
    with torch.no_grad():
        pooled = encoder.encode(pixels).pooled
        prompts = made.encode_prompts(PROMPTS)
        found = prompts.of_classes(3).logits(pooled)
        image = network.encode_image(pixels, normalize=True)
        classifier = open_clip.build_zero_shot_classifier(
            network, open_clip.get_tokenizer(f"local-dir:{tmp_path}"), CLASSES,
            [lambda words, one=one: one.format(words) for one in TEMPLATES],
            num_classes_per_batch=None,
        )  # fmt: skip
        expected = network.logit_scale.exp() * image @ classifier
        if name == "siglip":
            assert prompts.bias == float(network.logit_bias.detach())
            expected = expected + network.logit_bias
        else:
            assert prompts.bias is None
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_a_sentence_is_the_same_alone_and_in_any_order(tmp_path: Path) -> None:
    write(tmp_path, "siglip")
    made = params(tmp_path)
    with torch.no_grad():
        whole = made.encode_prompts(PROMPTS)
        turned = made.encode_prompts(PROMPTS[::-1])
        alone = made.encode_prompts(PROMPTS[2:3])
    assert torch.equal(turned.vectors.flip(0), whole.vectors)
    assert torch.equal(alone.vectors, whole.vectors[2:3])
    images = torch.randn(2, whole.vectors.shape[1])
    plain = alone.of_classes(1).logits(images)
    torch.testing.assert_close(plain, whole.logits(images)[:, 2:3])


def test_only_the_shared_space_compares_and_a_file_needs_its_scale(tmp_path: Path) -> None:
    network = write(tmp_path, "clip")
    assert params(tmp_path).compares_texts
    assert not params(tmp_path, pool="trunk").compares_texts
    assert params(tmp_path, weights="none").encode_prompts(["a"]).scale == pytest.approx(1 / 0.07)
    state = {f"module.{key}": value for key, value in network.state_dict().items()}
    torch.save(state, tmp_path / "whole.pt")
    own = params(tmp_path, weights=tmp_path / "whole.pt").encode_prompts(["a"])
    assert own.scale == pytest.approx(float(network.logit_scale.detach().exp()))
    del state["module.logit_scale"]
    torch.save(state, tmp_path / "scaleless.pt")
    with pytest.raises(WeightsError, match=r"scaleless.pt has no logit_scale, so cosines have no"):
        params(tmp_path, weights=tmp_path / "scaleless.pt").encode_prompts(["a"])


@pytest.mark.parametrize("name", ["clip", "biomed"])
def test_what_is_not_read_of_a_sentence_is_counted(tmp_path: Path, name: str) -> None:
    write(tmp_path, name)
    count = params(tmp_path).encode_prompts(["a b", "a " * 30, "a wing"]).count
    assert count is not None
    assert (count.total, count.read, count.unknown) == ([2, 30, 2], [2, 9, 2], [0, 0, 1])


def test_a_tokenizer_of_another_model_is_refused_for_sentences_too(tmp_path: Path) -> None:
    write(tmp_path, "clip")
    file = tmp_path / "open_clip_config.json"
    file.write_text(
        file.read_text().replace('"hf_tokenizer_name": "words"', '"hf_tokenizer_name": null')
    )
    with pytest.raises(WeightsError, match="they do not belong together"):
        params(tmp_path, weights="none").encode_prompts(["a"])


def clip() -> Any:
    return hf.CLIPModel(hf.CLIPConfig(vision_config=SMALL, text_config=TEXT, projection_dim=8))


def siglip() -> Any:
    return hf.SiglipModel(hf.SiglipConfig(vision_config=SMALL, text_config=TEXT))


@pytest.mark.parametrize("make", [clip, siglip])
def test_towers_of_transformers_give_the_library_s_logits(
    tmp_path: Path, make: Callable[[], Any]
) -> None:
    network = afresh(make())
    clip_folders.words(tmp_path, 1)
    network.save_pretrained(tmp_path)
    hf.ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(tmp_path)
    made = HfVisionParams.model_validate({"model": tmp_path, "pool": "shared"})
    pixels = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    tokenizer = hf.AutoTokenizer.from_pretrained(tmp_path)
    padding = "max_length" if make is siglip else False
    rows = [
        tokenizer(one, padding=padding, max_length=12, return_tensors="pt")["input_ids"]
        for one in PROMPTS
    ]
    encoder: Any = made.build().eval()
    with torch.no_grad():
        found = encoder.encode(pixels)
        logits = made.encode_prompts(PROMPTS).logits(found.pooled)
        expected = torch.cat(
            [network(input_ids=row, pixel_values=pixels).logits_per_image for row in rows], dim=1
        )
    torch.testing.assert_close(logits, expected, rtol=1e-5, atol=1e-5)
    count = made.encode_prompts(["a b", "a " * 30, "a wing"]).count
    assert count is not None
    assert (count.total, count.read, count.unknown) == ([2, 30, 2], [2, 9, 2], [0, 0, 1])
    assert encoder.shape.dim == found.pooled.shape[-1] == found.tokens.shape[-1]
    assert encoder.shape.level_dims == tuple(one.tokens.shape[-1] for one in found.levels)
    encoder.learn("last")
    encoder.encode(pixels).pooled.sum().backward()
    learning = {n: p for n, p in encoder.named_parameters() if p.requires_grad}
    assert all(p.grad is not None for p in learning.values()), learning.keys()


def test_models_without_such_a_space_and_tokenizers_of_others_are_refused(tmp_path: Path) -> None:
    vit = hf.ViTModel(hf.ViTConfig(**SMALL))
    vit.save_pretrained(tmp_path / "vit")
    hf.ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(tmp_path / "vit")
    with pytest.raises(
        WeightsError, match=r"kind 'vit', whose images stand in no space with texts"
    ):
        HfVisionParams.model_validate({"model": tmp_path / "vit", "pool": "shared"}).build()
    folder = tmp_path / "clip"
    clip().save_pretrained(folder)
    hf.ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    made = HfVisionParams.model_validate({"model": folder, "pool": "shared"})
    with pytest.raises(WeightsError, match="has no tokenizer: it holds none of"):
        made.encode_prompts(["a"])
    clip_folders.words(folder, 0)
    rules = (folder / "tokenizer.json").read_text().replace('"id": "[END]"', '"id": "[CLS]"')
    (folder / "tokenizer.json").write_text(rules)
    with pytest.raises(
        WeightsError, match=r"pools at the token 39.* and the tokenizer writes none"
    ):
        made.encode_prompts(["a"])
