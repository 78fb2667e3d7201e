"""Folders of models of open_clip: which weights are read, and what is refused in words."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from mmx import WeightsError
from mmx_plugins.encoders.open_clip import OpenClipParams

clip_folders = sys.modules["clip_folders"]
write = clip_folders.write
image_encoder, text_encoder = clip_folders.image_encoder, clip_folders.text_encoder


def test_weights_may_be_safetensors_or_a_file_with_a_prefix(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    network = write(tmp_path, "clip")
    plain = image_encoder(tmp_path)
    assert plain.weights["origin"] == str(tmp_path)
    assert plain.weights["converted_sha256"]
    state = {name: value.contiguous() for name, value in network.state_dict().items()}
    torch.save({"state_dict": {f"module.{k}": v for k, v in state.items()}}, tmp_path / "own.pt")
    save_file(state, tmp_path / "open_clip_model.safetensors")
    (tmp_path / "open_clip_pytorch_model.bin").unlink()
    for other in (image_encoder(tmp_path), image_encoder(tmp_path, weights=tmp_path / "own.pt")):
        for (name, value), again in zip(
            plain.state_dict().items(), other.state_dict().values(), strict=True
        ):
            assert torch.equal(value, again), name
    read = text_encoder(tmp_path, weights=tmp_path / "own.pt")
    trunk: Any = read.trunk
    assert torch.equal(trunk.text.ln_final.weight, network.ln_final.weight)


def test_a_name_of_the_library_s_own_list_says_no_weights() -> None:
    words = r"ViT-B-32 is an architecture of open_clip's own list.*, such as hf-hub:"
    with pytest.raises(WeightsError, match=words):
        OpenClipParams(model="ViT-B-32").build()


def test_a_resnet_has_one_size(tmp_path: Path) -> None:
    write(tmp_path, "resnet")
    with pytest.raises(WeightsError, match="places for 64 x 64 pixels alone; leave size out"):
        image_encoder(tmp_path, size=96)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"vision_cfg": {**clip_folders.VIT, "attentional_pool": "cascade"}},
            "pools its images by atten",
        ),
        ({"vision_cfg": {**clip_folders.VIT, "wings": 2}}, "unexpected keyword argument 'wings'"),
        ({"vision_cfg": {**clip_folders.VIT, "width": 24}}, "of another shape"),
        ({"text_cfg": {**clip_folders.TEXT, "pool_type": "none"}}, "pools its texts by none"),
        ({"text_cfg": {**clip_folders.TEXT, "vocab_size": 9}}, "of another shape|40 tokens"),
        ({"text_cfg": {**clip_folders.TEXT, "tokenizer_mode": "b"}}, "by tokenizer_mode: b, "),
        (
            {"text_cfg": {**clip_folders.TEXT, "tokenizer_kwargs": {"reduction_mask": "random"}}},
            "by reduction_mask: random, which this method does not read: .* lose tokens by chance",
        ),
        ({"text_cfg": {**clip_folders.TEXT, "tokenizer_mode": "clips"}}, "needs a tokenizer with"),
    ],
)
def test_what_is_not_read_is_refused_in_words(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    write(tmp_path, "clip")
    said = json.loads((tmp_path / "open_clip_config.json").read_text())
    said["model_cfg"] |= change
    (tmp_path / "open_clip_config.json").write_text(json.dumps(said))
    with pytest.raises(WeightsError, match=words):
        _ = image_encoder(tmp_path), text_encoder(tmp_path)


def test_folders_that_lack_something_are_refused_in_words(tmp_path: Path) -> None:
    write(tmp_path, "biomed")
    (tmp_path / "config.json").unlink()
    with pytest.raises(WeightsError, match=r"somebody/bert, whose config.json is neither in the"):
        text_encoder(tmp_path)
    said = json.loads((tmp_path / "open_clip_config.json").read_text())
    said["model_cfg"]["text_cfg"]["hf_model_name"] = "bert-base-uncased"
    (tmp_path / "open_clip_config.json").write_text(json.dumps(said))
    assert "taken for a plain BERT" in text_encoder(tmp_path, weights="none").notes[-1]
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(WeightsError, match=r"has no tokenizer"):
        text_encoder(tmp_path, weights="none")
    (tmp_path / "open_clip_pytorch_model.bin").unlink()
    with pytest.raises(WeightsError, match="needed is one of open_clip_model.safetensors"):
        image_encoder(tmp_path)
    (tmp_path / "open_clip_config.json").unlink()
    with pytest.raises(WeightsError, match=r"no open_clip_config.json; is it a model of transf"):
        image_encoder(tmp_path)
    with pytest.raises(WeightsError, match="'hf-hub:someone/clip' is not in the cache of the hub"):
        OpenClipParams(model="hf-hub:someone/clip").build()
