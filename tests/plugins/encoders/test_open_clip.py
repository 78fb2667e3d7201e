"""Both towers of open_clip against the library's own features, every number drawn afresh."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import normalize

from mmx import Images
from mmx.data import ImageStore
from mmx.interfaces import ADAPTER, Lora, LoraTraining, Sample
from mmx.spec import ImageSpec
from mmx_plugins.encoders.open_clip import OpenClipEncoder, OpenClipParams

clip_folders = sys.modules["clip_folders"]
MODELS, write = clip_folders.MODELS, clip_folders.write
image_encoder, text_encoder = clip_folders.image_encoder, clip_folders.text_encoder

TEXTS = ["a b c d e f g h", "", "b", "c x a", "h " * 30]
SPOKEN = [0, 2, 3, 4]
CLOSE: dict[str, Any] = {"rtol": 1e-6, "atol": 1e-6, "check_dtype": False}


def library_text(folder: Path, network: Any) -> tuple[Tensor, Tensor]:
    """The library's ids, and its features of these."""
    import open_clip

    tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
    ids = tokenizer([TEXTS[row] for row in SPOKEN])
    with torch.no_grad():
        return ids, network.encode_text(ids, normalize=False)


@pytest.mark.parametrize("name", MODELS)
def test_the_tower_of_images_gives_the_library_s_features(tmp_path: Path, name: str) -> None:
    network = write(tmp_path, name).double()
    side = MODELS[name]["vision_cfg"]["image_size"]
    pixels = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(1)).double()
    plain = image_encoder(tmp_path).double()
    shared = image_encoder(tmp_path, pool="shared").double()
    with torch.no_grad():
        found, projected = plain.encode(pixels), shared.encode(pixels)
        expected = network.encode_image(pixels, normalize=True)
        hidden = network.visual.forward_intermediates(
            pixels,
            normalize_intermediates=name != "coca",  # its norm stands behind its queries
        )
        earlier = network.visual.forward_intermediates(pixels)["image_intermediates"]
    torch.testing.assert_close(projected.pooled, expected, **CLOSE)
    whole = image_encoder(tmp_path, pool="shared").double()
    again = normalize(whole.projection(found.pooled.double()), dim=-1)
    torch.testing.assert_close(again, expected, **CLOSE)
    last = hidden["image_intermediates"][-1]
    if name == "resnet":
        torch.testing.assert_close(found.tokens, values(network, last), **CLOSE)
    elif name == "coca":
        torch.testing.assert_close(found.tokens, network._encode_image(pixels)[1], **CLOSE)
    elif name != "pooler":  # timm's ConvNeXt has no norm behind its last map
        torch.testing.assert_close(found.tokens, last.flatten(2).mT, **CLOSE)
    through = shared.projection(found.tokens.double())  # of numbers that were rounded to float32
    rounding = 1e-6 * float(found.tokens.abs().max())
    torch.testing.assert_close(
        projected.tokens, through, **{**CLOSE, "rtol": 1e-5, "atol": max(rounding, 1e-6)}
    )
    if name not in ("pooler", "resnet"):
        for level, depth in zip(found.levels[:2], plain_depths(plain), strict=True):
            torch.testing.assert_close(level.tokens, earlier[depth].flatten(2).mT, **CLOSE)
    for encoder, given in ((plain, found), (shared, projected)):
        widths = tuple(level.tokens.shape[-1] for level in given.levels)
        assert encoder.shape.level_dims == widths
        assert encoder.shape.dim == given.pooled.shape[-1] == given.tokens.shape[-1]


def values(network: Any, last: Tensor) -> Tensor:
    """[B, N, D], what the attention of a ResNet makes of each place of its last map."""
    pool, places = network.visual.attnpool, last.flatten(2).mT
    behind = places + pool.positional_embedding[None, 1:]
    return behind @ pool.v_proj.weight.T + pool.v_proj.bias


def plain_depths(encoder: OpenClipEncoder) -> list[int]:
    trunk: Any = encoder.trunk
    return list(getattr(trunk, "indices", None) or [depth - 1 for depth in trunk.depths])


@pytest.mark.parametrize("name", MODELS)
def test_the_tower_of_texts_gives_the_library_s_features(tmp_path: Path, name: str) -> None:
    network = write(tmp_path, name).double()
    ids, expected = library_text(tmp_path, network)
    plain = text_encoder(tmp_path).double()
    shared = text_encoder(tmp_path, pool="shared").double()
    given = plain.tokenize(TEXTS)
    for row, own in zip(SPOKEN, ids, strict=True):
        assert (
            given.ids[row][given.mask[row]].tolist() == own[: int(given.mask[row].sum())].tolist()
        )
    with torch.no_grad():
        found, projected = plain(given), shared(given)
    assert found.present.tolist() == [True, False, True, True, True]
    torch.testing.assert_close(projected.pooled[SPOKEN], normalize(expected, dim=-1), **CLOSE)
    through = shared.projection(found.pooled[SPOKEN].double())
    torch.testing.assert_close(through, expected, **CLOSE)
    if "hf_model_name" in MODELS[name]["text_cfg"]:
        out = network.text.transformer(
            input_ids=ids, attention_mask=(ids != 0).long(), output_hidden_states=True
        )
        last, hidden = out.last_hidden_state, out.hidden_states[1:3]
    else:
        encode = getattr(network, "text", network).forward_intermediates
        hidden = encode(text=ids, **_as_asked(network))["text_intermediates"]
        norm = getattr(network, "text", network).ln_final
        last, hidden = norm(hidden[-1]), hidden[:2]
    levels = zip((level.tokens for level in found.levels), hidden, strict=False)
    for tokens, wanted in [(found.tokens, last), *levels]:
        for row, own in zip(SPOKEN, wanted, strict=True):
            real = given.mask[row]
            torch.testing.assert_close(tokens[row][real], own[: int(real.sum())], **CLOSE)


def test_a_class_token_behind_the_padding_is_read_there(tmp_path: Path) -> None:
    network = write(tmp_path, "clips").double()
    ids, expected = library_text(tmp_path, network)
    plain = text_encoder(tmp_path).double()
    shared = text_encoder(tmp_path, pool="shared").double()
    given = plain.tokenize(TEXTS)
    for row, own in zip(SPOKEN, ids, strict=True):
        mine = given.ids[row][given.mask[row]].tolist()
        assert [*mine[:-1], mine[-1]] == [*own[: len(mine) - 1].tolist(), int(own[-1])]
    with torch.no_grad():
        found, projected = plain(given), shared(given)
    torch.testing.assert_close(projected.pooled[SPOKEN], normalize(expected, dim=-1), **CLOSE)
    hidden = network.text.forward_intermediates(ids, output_fmt="NLC")["text_intermediates"]
    wanted = [network.text.ln_final(hidden[-1]), *hidden[:2]]
    levels = [level.tokens for level in found.levels][:2]
    for tokens, own in zip([found.tokens, *levels], wanted, strict=True):
        for row, of_text in zip(SPOKEN, own, strict=True):
            real = given.mask[row]
            places = [*range(int(real.sum()) - 1), -1]
            torch.testing.assert_close(tokens[row][real], of_text[places], **CLOSE)
    alone = plain(plain.tokenize(["b"]))  # whatever other texts are beside it
    torch.testing.assert_close(alone.pooled[0], found.pooled[2], **CLOSE)


def _as_asked(network: Any) -> dict[str, str]:
    return {"output_fmt": "NLC"} if hasattr(network, "text") else {"text_output_fmt": "NLC"}


@pytest.mark.parametrize("name", ["clip", "biomed"])
def test_another_size_interpolates_positions_as_the_library_does(tmp_path: Path, name: str) -> None:
    from open_clip.model import resize_pos_embed

    network = write(tmp_path, name)
    side = MODELS[name]["vision_cfg"]["image_size"] * 3 // 2
    pixels = torch.randn(2, 3, side, side)
    encoder = image_encoder(tmp_path, size=side, pool="shared")
    if name == "clip":
        config = {**MODELS[name], "vision_cfg": {**clip_folders.VIT, "image_size": side}}
        other = clip_folders.reference(config, tmp_path).eval()
        state = network.state_dict()
        resize_pos_embed(state, other)
        other.load_state_dict(state)
    else:
        other = network
        other.visual.set_input_size((side, side))
    with torch.no_grad():
        expected = other.encode_image(pixels, normalize=True)
        torch.testing.assert_close(encoder.encode(pixels).pooled, expected, rtol=1e-5, atol=1e-5)
    assert f"trained at {side * 2 // 3} x {side * 2 // 3} pixels" in encoder.notes[-1]


@pytest.mark.parametrize("size", [32, (24, 40)], ids=str)
@pytest.mark.parametrize(
    "stated",
    [
        {},
        {"resize_mode": "longest", "fill_color": 9},
        {"resize_mode": "shortest", "interpolation": "bilinear"},
        {"resize_mode": "squash", "interpolation": "bilinear", "mean": 0.5, "std": [0.5, 0.4, 0.3]},
    ],
)
def test_pixels_are_those_of_the_library(
    tmp_path: Path, stated: dict[str, Any], size: int | tuple[int, int]
) -> None:
    from open_clip.transform import PreprocessCfg, image_transform_v2, merge_preprocess_dict

    folder = tmp_path / "model"
    write(folder, "clip", stated)
    said = json.loads((folder / "open_clip_config.json").read_text())
    said["model_cfg"]["vision_cfg"]["image_size"] = size
    (folder / "open_clip_config.json").write_text(json.dumps(said))
    whole = merge_preprocess_dict(PreprocessCfg(), {**stated, "size": size})
    transform: Any = image_transform_v2(PreprocessCfg(**whole), is_train=False)
    samples, expected = [], []
    for number, (wide, tall) in enumerate([(301, 257), (256, 511), (99, 100), (640, 333)]):
        noise = np.random.default_rng(number).integers(0, 256, (tall // 5, wide // 5, 3), np.uint8)
        picture = Image.fromarray(noise).resize((wide, tall), Image.Resampling.BICUBIC)
        picture.save(tmp_path / f"{number}.png")
        expected.append(transform(picture))
        shown = {"image": (tmp_path / f"{number}.png",)}
        samples.append(Sample(str(number), "patient", shown))
    encoder = image_encoder(folder, weights="none")
    frame = ImageSpec().shown_to(OpenClipParams(model=folder).frame)
    store = ImageStore(samples, frame, folder=tmp_path / "cache", memory_gb=1)
    seen = store.collate(range(4)).pixels[:, 0].float() / 255
    wanted = torch.stack(expected) * encoder.std + encoder.mean
    assert wanted.shape == seen.shape
    assert (wanted - seen).abs().max() <= 1e-6


def test_the_vocabulary_of_the_first_clip_is_that_of_the_library(tmp_path: Path) -> None:
    import open_clip

    write(tmp_path, "clip")
    said = json.loads((tmp_path / "open_clip_config.json").read_text())
    said["model_cfg"]["text_cfg"] |= {"vocab_size": 49408, "hf_tokenizer_name": None}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(said))
    encoder = text_encoder(tmp_path, weights="none")
    spoken = ["A lesion on the back!", "皮损", "word " * 30]
    given, own = encoder.tokenize(spoken), open_clip.get_tokenizer(f"local-dir:{tmp_path}")(spoken)
    for row, ids in enumerate(own):
        real = given.mask[row]
        assert given.ids[row][real].tolist() == ids[: int(real.sum())].tolist()
    counted = encoder.count(spoken)
    assert counted.total[2] == 30
    assert counted.read[2] == 10


@pytest.mark.parametrize("name", MODELS)
def test_the_last_stage_learns_and_nothing_else(tmp_path: Path, name: str) -> None:
    write(tmp_path, name)
    side = MODELS[name]["vision_cfg"]["image_size"]
    pixels = torch.randint(256, (2, 1, 3, side, side), dtype=torch.uint8)
    seen = Images(pixels, torch.ones(2, 1, dtype=torch.bool))
    for encoder, given in (
        (image_encoder(tmp_path, pool="shared"), seen),
        (text_encoder(tmp_path, pool="shared"), text_encoder(tmp_path).tokenize(TEXTS)),
    ):
        encoder.learn("last")
        found = encoder(given)
        (found.pooled.sum() + found.tokens.square().sum()).backward()
        learning = {n: p for n, p in encoder.named_parameters() if p.requires_grad}
        assert 0 < len(learning) < len(list(encoder.parameters()))
        assert all(p.grad is not None for p in learning.values()), learning.keys()


TARGETS: list[Any] = [None, ("query", "value"), "all_linear"]


@pytest.mark.parametrize("targets", TARGETS, ids=str)
@pytest.mark.parametrize("name", ["clip", "biomed", "siglip"])
def test_adapters_start_as_the_tower_and_all_of_them_learn(
    tmp_path: Path, name: str, targets: Any
) -> None:
    write(tmp_path, name)
    side = MODELS[name]["vision_cfg"]["image_size"]
    pixels = torch.randint(256, (2, 1, 3, side, side), dtype=torch.uint8)
    seen = Images(pixels, torch.ones(2, 1, dtype=torch.bool))
    for encoder, given in (
        (image_encoder(tmp_path), seen),
        (text_encoder(tmp_path), text_encoder(tmp_path).tokenize(TEXTS)),
    ):
        with torch.no_grad():
            plain = encoder(given).pooled
            encoder.learn(LoraTraining(lora=Lora(rank=2, targets=targets)))
            assert torch.equal(encoder.eval()(given).pooled, plain)
            for key, value in encoder.named_parameters():
                if ".lora_B" in key:
                    value.fill_(0.1)
        before = {key: value.clone() for key, value in encoder.state_dict().items()}
        found = encoder(given)
        (found.pooled.square().sum() + found.tokens.square().sum()).backward()
        learning = {n: p for n, p in encoder.named_parameters() if p.requires_grad}
        assert learning
        assert all(p.grad is not None and p.grad.any() for p in learning.values()), name
        torch.optim.SGD(learning.values(), lr=1.0).step()
        for key, value in encoder.state_dict().items():
            assert torch.equal(value, before[key]) != (ADAPTER in key), key
        if name == "clip" and targets != "all_linear":  # what attention reads past its layers
            assert all(".parametrizations.in_proj_weight." in key for key in learning)


def test_the_page_of_models_lists_what_is_compared_here() -> None:
    page = (Path(__file__).parents[3] / "docs" / "models.md").read_text(encoding="utf-8")
    rows = [
        line.split(" | ") for line in page.splitlines() if line.startswith("| `encoder.open_clip`")
    ]
    assert [cells[1] for cells in rows] == list(MODELS)
