"""Image encoders of transformers against the library's own features, every number drawn afresh."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers as hf
from PIL import Image
from torch import Tensor

from mmx import Images, WeightsError
from mmx.data import ImageStore
from mmx.interfaces import Sample
from mmx.spec import ImageSpec
from mmx_plugins.encoders.hf_vision import HfVisionEncoder, HfVisionParams

afresh: Callable[..., Any] = sys.modules["afresh"].afresh

SMALL: dict[str, Any] = {
    "hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 24,
    "image_size": 32, "patch_size": 8,
}  # fmt: skip
TEXT: dict[str, Any] = {
    "vocab_size": 20, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
    "intermediate_size": 24, "bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1,
}  # fmt: skip
DINO: dict[str, Any] = {
    "hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "image_size": 32,
    "patch_size": 8,
}  # fmt: skip
STAGES: dict[str, Any] = {"hidden_sizes": [8, 12, 16], "depths": [1, 2, 1], "num_stages": 3}

NETWORKS: dict[str, Callable[[], Any]] = {
    "vit": lambda: hf.ViTForImageClassification(hf.ViTConfig(**SMALL)),
    "deit": lambda: hf.DeiTModel(hf.DeiTConfig(**SMALL)),
    "dinov2": lambda: hf.Dinov2Model(hf.Dinov2Config(**DINO)),
    "dinov2 registers": lambda: hf.Dinov2WithRegistersModel(
        hf.Dinov2WithRegistersConfig(**DINO, num_register_tokens=3)
    ),
    "dinov3": lambda: hf.DINOv3ViTModel(
        hf.DINOv3ViTConfig(**DINO, intermediate_size=24, num_register_tokens=2)
    ),
    "siglip": lambda: hf.SiglipModel(hf.SiglipConfig(vision_config=SMALL, text_config=TEXT)),
    "clip": lambda: hf.CLIPModel(
        hf.CLIPConfig(vision_config=SMALL, text_config=TEXT, projection_dim=8)
    ),
    "clip vision": lambda: hf.CLIPVisionModel(hf.CLIPVisionConfig(**SMALL)),
    "swin": lambda: hf.SwinModel(
        hf.SwinConfig(image_size=32, patch_size=2, embed_dim=8, depths=[1, 2, 1],
                      num_heads=[1, 2, 2], window_size=2)
    ),
    "convnext": lambda: hf.ConvNextModel(hf.ConvNextConfig(**STAGES)),
    "convnextv2": lambda: hf.ConvNextV2Model(hf.ConvNextV2Config(**STAGES)),
}  # fmt: skip
PREFIX = {
    "vit": 1,
    "deit": 2,
    "dinov2": 1,
    "dinov2 registers": 4,
    "dinov3": 3,
    "siglip": 0,
    "clip": 1,
    "clip vision": 1,
}
SQUARE = hf.ViTImageProcessor(size={"height": 32, "width": 32})


def write(folder: Path, network: Any, processor: Any = SQUARE) -> Path:
    network.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def built(folder: Path, **settings: Any) -> HfVisionEncoder:
    params = HfVisionParams.model_validate({"model": folder, **settings})
    return params.build().eval()  # type: ignore[return-value]


def tower(network: Any) -> Any:
    """What of the library's own network reads images."""
    for name in ("vision_model", "vit"):
        network = getattr(network, name, network)
    return network


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("side", [32, 48])
def test_tokens_levels_and_pooled_are_the_library_s(tmp_path: Path, name: str, side: int) -> None:
    network = afresh(NETWORKS[name]())
    pool = None if name != "siglip" else "native"
    encoder = built(write(tmp_path, network), pool=pool).double()
    pixels = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(1)).double()
    reference = tower(network.double())
    asked = {"interpolate_pos_encoding": True} if encoder.family.interpolates else {}
    with torch.no_grad():
        found = encoder.encode(pixels)
        expected = reference(pixel_values=pixels, output_hidden_states=True, **asked)
    close = {"rtol": 1e-6, "atol": 1e-6, "check_dtype": False}
    last = expected.last_hidden_state
    if name in PREFIX:
        last = reference.post_layernorm(last) if name.startswith("clip") else last
        torch.testing.assert_close(found.tokens, last[:, PREFIX[name] :], **close)
        pooled = last[:, 0] if PREFIX[name] else expected.pooler_output
        for level, depth in zip(found.levels[:2], (1, 2), strict=True):
            hidden = expected.hidden_states[depth][:, PREFIX[name] :]
            torch.testing.assert_close(level.tokens, hidden, **close)
    else:
        pooled = expected.pooler_output
        flat = last.flatten(2).mT if last.ndim == 4 else last
        torch.testing.assert_close(found.tokens, flat, **close)
    torch.testing.assert_close(found.pooled, pooled, **close)
    torch.testing.assert_close(found.levels[-1].tokens, found.tokens)
    assert encoder.shape.level_dims == tuple(level.tokens.shape[-1] for level in found.levels)


@pytest.mark.parametrize("name", ["vit", "dinov2", "swin", "clip"])
def test_files_with_the_names_of_the_network_are_read_too(tmp_path: Path, name: str) -> None:
    network = afresh(NETWORKS[name]())
    write(tmp_path / "model", network)
    kept = {f"module.{key}": value for key, value in network.state_dict().items()}
    torch.save(kept, tmp_path / "own.pth")
    plain = built(tmp_path / "model")
    other = built(tmp_path / "model", weights=tmp_path / "own.pth")
    assert "'module." in other.notes[0]
    for key, value in plain.network.state_dict().items():
        assert torch.equal(other.network.state_dict()[key], value), key


@pytest.mark.parametrize(("pool", "share"), [("cls", 1), ("mean", 0), ("cls_mean", 0.5)])
def test_pools_are_what_they_say(tmp_path: Path, pool: str, share: float) -> None:
    network = afresh(NETWORKS["dinov2"]())
    encoder = built(write(tmp_path, network), pool=pool)
    pixels = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        last = network(pixel_values=pixels).last_hidden_state
        found = encoder.encode(pixels).pooled
    torch.testing.assert_close(found, share * last[:, 0] + (1 - share) * last[:, 1:].mean(1))


def test_the_pooler_of_a_vit_must_be_there_where_it_is_asked_for(tmp_path: Path) -> None:
    folder = write(tmp_path, NETWORKS["vit"]())  # a classifier has none
    with pytest.raises(WeightsError, match="missing: pooler"):
        built(folder, pool="native")


def test_what_a_model_does_not_have_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path, NETWORKS["convnext"]())
    with pytest.raises(WeightsError, match=r"'convnext' has no class token; use pool: native"):
        built(folder, pool="cls")
    bert = hf.BertModel(hf.BertConfig(vocab_size=9, hidden_size=8, num_attention_heads=2))
    with pytest.raises(WeightsError, match=r"kind 'bert', which this method does not read"):
        built(write(tmp_path / "bert", bert))
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(WeightsError, match=r"no preprocessor_config.json, and no processor_conf"):
        built(folder)


PROCESSORS: dict[str, tuple[Any, dict[str, Any]]] = {
    "vit": (hf.ViTImageProcessorPil, {}),
    "deit": (hf.DeiTImageProcessorPil, {}),
    "dinov2": (hf.BitImageProcessorPil, {"size": {"shortest_edge": 256}}),
    "siglip": (hf.SiglipImageProcessorPil, {"size": {"height": 64, "width": 64}}),
    "clip": (
        hf.CLIPImageProcessorPil,
        {"size": {"shortest_edge": 96}, "crop_size": {"height": 96, "width": 96}},
    ),
    "convnext": (hf.ConvNextImageProcessorPil, {"size": {"shortest_edge": 224}}),
    "convnext 384": (hf.ConvNextImageProcessorPil, {}),
}


def seen_beside_the_library_s(tmp_path: Path, processor: Any) -> tuple[Tensor, Tensor]:
    """Pixels [4, 3, H, W] in [0, 1] of four pictures of odd sizes: ours, and the processor's."""
    folder = write(tmp_path / "model", NETWORKS["convnext"](), processor)
    samples, pictures = [], []
    for number, (wide, tall) in enumerate([(301, 257), (256, 511), (99, 100), (640, 333)]):
        noise = np.random.default_rng(number).integers(0, 256, (tall // 5, wide // 5, 3), np.uint8)
        picture = Image.fromarray(noise).resize((wide, tall), Image.Resampling.BICUBIC)
        picture.save(tmp_path / f"{number}.png")
        pictures.append(picture)
        shown = {"image": (tmp_path / f"{number}.png",)}
        samples.append(Sample(str(number), "patient", shown))
    encoder = built(folder)
    frame = ImageSpec().shown_to(HfVisionParams(model=folder).frame)
    store = ImageStore(samples, frame, folder=tmp_path / "cache", memory_gb=1)
    seen = store.collate(range(4)).pixels[:, 0].float() / 255
    expected = processor(pictures, return_tensors="pt")["pixel_values"]
    assert expected.shape == seen.shape
    return seen, expected * encoder.std + encoder.mean


@pytest.mark.parametrize("name", PROCESSORS)
def test_pixels_are_those_of_the_library(tmp_path: Path, name: str) -> None:
    kind, settings = PROCESSORS[name]
    seen, wanted = seen_beside_the_library_s(tmp_path, kind(**settings))
    assert (wanted - seen).abs().max() <= 1.001 / 255


@pytest.mark.parametrize(
    ("kind", "settings", "levels"),
    [
        (hf.ViTImageProcessor, {}, 1),  # bilinear
        (hf.DINOv3ViTImageProcessor, {}, 1),
        (hf.SiglipImageProcessor, {"size": {"height": 64, "width": 64}}, 4),  # bicubic
        (hf.CLIPImageProcessor, {}, 4),
    ],
)
def test_processors_of_torchvision_are_a_level_apart_and_bicubic_ones_few(
    tmp_path: Path, kind: Any, settings: dict[str, Any], levels: int
) -> None:
    seen, wanted = seen_beside_the_library_s(tmp_path, kind(**settings))
    apart = (wanted - seen).abs() * 255
    assert apart.max() <= levels + 0.01
    assert (apart > 1.01).float().mean() < 0.001


def test_a_folder_that_names_such_a_processor_says_so(tmp_path: Path) -> None:
    folder = write(tmp_path, NETWORKS["vit"](), hf.CLIPImageProcessor())
    file = folder / "preprocessor_config.json"
    file.write_text(file.read_text().replace("CLIPImageProcessor", "CLIPImageProcessorFast"))
    assert "names CLIPImageProcessorFast, which scales by torchvision" in built(folder).notes[-1]


def test_another_size_is_told_and_keeps_the_part_that_is_shown(tmp_path: Path) -> None:
    kind, settings = PROCESSORS["clip"]
    folder = write(tmp_path, NETWORKS["vit"](), kind(**settings))
    frame = HfVisionParams(model=folder, size=48).frame
    assert (frame.height, frame.width, frame.resize) == (48, 48, 48)
    notes = built(folder, size=48).notes
    assert (
        "until the shorter side has 48 pixels (bicubic), of which the middle 48 x 48" in notes[-2]
    )
    assert "trained at 96 x 96 pixels; positions" in notes[-1]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_last_stage_is_the_last_block_and_what_follows(tmp_path: Path, name: str) -> None:
    encoder = built(write(tmp_path, NETWORKS[name]()))
    encoder.learn("last")
    pixels = torch.randint(256, (2, 1, 3, 32, 32), dtype=torch.uint8)
    encoder(Images(pixels, torch.ones(2, 1, dtype=torch.bool))).pooled.square().sum().backward()
    learning = {n: p for n, p in encoder.named_parameters() if p.requires_grad}
    assert 0 < len(learning) < len(list(encoder.parameters()))
    assert all(p.grad is not None for p in learning.values()), learning.keys()


def test_the_page_of_models_lists_what_is_compared_here() -> None:
    page = (Path(__file__).parents[3] / "docs" / "models.md").read_text(encoding="utf-8")
    rows = [
        line.split(" | ") for line in page.splitlines() if line.startswith("| `encoder.hf_vision`")
    ]
    assert [cells[1] for cells in rows] == list(NETWORKS)


def test_a_folder_that_was_saved_with_its_texts_is_read(tmp_path: Path) -> None:
    """The library writes one file for the processor of both today."""
    folder = write(tmp_path / "whole", afresh(NETWORKS["clip"]()))
    plain = built(folder)
    own = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").unlink()
    (folder / "processor_config.json").write_text(json.dumps({"image_processor": own}))
    assert torch.equal(built(folder).mean, plain.mean)
    assert HfVisionParams(model=folder).frame.resize == (32, 32)
    (folder / "preprocessor_config.json").write_text("[]")
    (folder / "processor_config.json").write_text("{}")
    with pytest.raises(WeightsError, match=r"preprocessor_config.json cannot be read: it holds no"):
        built(folder)
    (folder / "processor_config.json").write_text("[")
    with pytest.raises(WeightsError, match=r"processor_config.json cannot be read"):
        built(folder)
