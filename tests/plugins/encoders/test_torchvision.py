import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import fx, nn
from torchvision import models
from torchvision.models.feature_extraction import get_graph_node_names

from mmx import Encoder, Features, Images, PluginError, ShapeError, WeightsError
from mmx_plugins.encoders._torchvision.cut import node_shapes
from mmx_plugins.encoders.torchvision import TorchvisionEncoder, TorchvisionParams

Make = Callable[..., Images]


def build(arch: str) -> TorchvisionEncoder:
    torch.manual_seed(0)
    return TorchvisionParams(arch=arch, weights="none").build()


def whole(arch: str) -> nn.Module:
    """The same random network, whole."""
    torch.manual_seed(0)
    return models.get_model(arch, weights=None)


def normalised(images: Images) -> torch.Tensor:
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    pixels = images.pixels[:, 0].float() / 255
    return (pixels - mean[:, None, None]) / std[:, None, None]


@pytest.mark.parametrize("arch", ["resnet18", "resnet50", "mobilenet_v3_small"])
def test_pooled_is_the_network_without_its_classifier(arch: str, images: Make) -> None:
    encoder, network, given = build(arch), whole(arch), images()
    for name in ("fc", "classifier"):
        if hasattr(network, name):
            setattr(network, name, nn.Identity())
    found = encoder.eval()(given)
    assert torch.equal(found.pooled, network.eval()(normalised(given)))


def test_the_layer_norm_of_convnext_belongs_to_the_pooled_vector(images: Make) -> None:
    encoder, network, given = build("convnext_tiny"), whole("convnext_tiny"), images()
    network.get_submodule("classifier").add_module("2", nn.Identity())
    found = encoder.eval()(given)
    assert torch.equal(found.pooled, network.eval()(normalised(given)))
    assert not torch.allclose(found.pooled, found.tokens.mean(1), atol=1e-2)


@pytest.mark.parametrize(
    ("arch", "counts", "dims"),
    [
        ("resnet18", (64, 16, 4), (128, 256, 512)),
        ("convnext_tiny", (64, 16, 4), (192, 384, 768)),
    ],
)
def test_levels_go_from_shallow_to_deep_and_the_last_holds_the_tokens(
    arch: str, counts: tuple[int, ...], dims: tuple[int, ...], images: Make
) -> None:
    encoder = build(arch)
    found = encoder.eval()(images(1))
    assert [level.tokens.shape[1:] for level in found.levels] == list(
        zip(counts, dims, strict=True)
    )
    assert torch.equal(found.levels[-1].tokens, found.tokens)
    assert encoder.shape.level_dims == dims
    assert encoder.shape.dim == found.pooled.shape[1] == found.tokens.shape[2]


def test_resnet50_at_224_has_the_levels_of_its_paper(images: Make) -> None:
    found = build("resnet50").eval()(images(1, 224, 224))
    shapes = [tuple(level.tokens.shape) for level in found.levels]
    assert shapes == [(1, 784, 512), (1, 196, 1024), (1, 49, 2048)]


def test_levels_are_the_outputs_of_the_stages_row_by_row(images: Make) -> None:
    encoder, network, given = build("resnet18"), whole("resnet18").eval(), images(1, 64, 96)
    kept: dict[str, Any] = {}
    for name in ("layer2", "layer3", "layer4"):
        stage = network.get_submodule(name)
        stage.register_forward_hook(lambda _m, _i, out, name=name: kept.__setitem__(name, out))
    network(normalised(given))
    for level, expected in zip(encoder.eval()(given).levels, kept.values(), strict=True):
        assert torch.equal(level.tokens, torch.einsum("bdhw->bhwd", expected).flatten(1, 2))


def test_convnext_base_builds_without_weights(images: Make) -> None:
    found = build("convnext_base").eval()(images(1, 32, 32))
    assert found.pooled.shape == (1, 1024)
    assert [level.tokens.shape[2] for level in found.levels] == [256, 512, 1024]


def test_where_no_pooled_map_is_classified_it_is_the_mean_of_the_tokens(images: Make) -> None:
    found = build("squeezenet1_1").eval()(images(1, 64, 64))
    torch.testing.assert_close(found.pooled, found.tokens.mean(1))


def test_frozen_means_frozen(images: Make, frozen_stays: Callable[..., None]) -> None:
    encoder, given = build("resnet18"), images()
    frozen_stays(encoder, lambda: encoder(given))


def test_full_training_moves_the_buffers_that_frozen_keeps(images: Make) -> None:
    encoder = build("resnet18")
    encoder.learn("full")
    before = {name: value.clone() for name, value in encoder.named_buffers()}
    encoder(images())
    assert any(not torch.equal(value, before[name]) for name, value in encoder.named_buffers())


def test_last_lets_only_the_last_stage_learn(images: Make) -> None:
    encoder = build("resnet18")
    encoder.learn("last")
    found = encoder(images())
    found.pooled.sum().backward()
    moved = {n for n, p in encoder.named_parameters() if p.grad is not None}
    assert moved
    assert moved == {n for n, p in encoder.named_parameters() if p.requires_grad}
    assert all(".layer4." in name for name in moved)
    assert encoder.network.get_submodule("layer4").training
    assert not encoder.network.get_submodule("layer3").training


def test_a_sample_without_an_image_is_not_present(images: Make) -> None:
    given = images(2)
    mask = torch.tensor([[True], [False]])
    found = build("resnet18").eval()(Images(given.pixels, mask))
    assert found.present.tolist() == [True, False]
    assert found.levels[0].present.tolist() == [True, False]


def test_several_views_are_refused(images: Make) -> None:
    given = images(1)
    two = Images(given.pixels.repeat(1, 2, 1, 1, 1), given.mask.repeat(1, 2))
    with pytest.raises(ShapeError, match="2 views"):
        build("resnet18")(two)


def test_autocast_and_channels_last_give_nearly_the_same_in_float32(images: Make) -> None:
    encoder, given = build("resnet18").eval(), images()
    exact: Features = encoder(given)
    encoder.to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        found = encoder(given)
    assert found.pooled.dtype == found.tokens.dtype == found.levels[0].tokens.dtype == torch.float32
    assert (found.pooled - exact.pooled).norm() < 0.05 * exact.pooled.norm()


def test_a_typing_mistake_is_told_the_nearest_name() -> None:
    with pytest.raises(PluginError, match="nearest: resnet18"):
        TorchvisionParams(arch="resnet188", weights="none").build()


def test_levels_can_be_named_and_unknown_ones_are_refused() -> None:
    params = TorchvisionParams(arch="resnet18", weights="none", levels=("layer1",))
    assert params.build().shape.level_dims == (64, 512)
    with pytest.raises(PluginError, match="layer9.*layer4"):
        TorchvisionParams(arch="resnet18", weights="none", levels=("layer9",)).build()


@pytest.mark.parametrize("arch", ["mobilenet_v3_small", "vit_b_32"])
def test_shapes_are_of_the_nodes_that_torchvision_names(arch: str) -> None:
    with torch.device("meta"):
        network = models.get_model(arch, weights=None)
    names, shapes = get_graph_node_names(network)[1], node_shapes(network)
    assert [name for name in names if name in shapes] == list(shapes)
    assert shapes[names[0]] == (1, 3, 224, 224)
    assert shapes[names[-1]] == (1, 1000)


def test_a_build_traces_the_network_once_for_its_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    traced, trace = list[bool](), fx.Tracer.trace

    def counted(self: fx.Tracer, root: nn.Module, *args: Any, **words: Any) -> fx.Graph:
        traced.append(root.training)
        return trace(self, root, *args, **words)

    monkeypatch.setattr(fx.Tracer, "trace", counted)
    build("resnet18")
    assert traced == [False, True, False]  # and twice for what it gives: in training, and without


def test_nothing_is_bundled() -> None:
    with pytest.raises(WeightsError, match="tf_efficientnet_lite0"):
        TorchvisionParams(arch="resnet18", weights="bundled").build()


def test_a_file_of_another_number_of_classes_loads(tmp_path: Path, images: Make) -> None:
    torch.manual_seed(7)
    network, given = models.resnet18(num_classes=5).eval(), images()
    save_file(network.state_dict(), tmp_path / "five.safetensors")
    encoder = TorchvisionParams(arch="resnet18", weights=tmp_path / "five.safetensors").build()
    network.add_module("fc", nn.Identity())
    assert torch.equal(encoder.eval()(given).pooled, network(normalised(given)))
    assert encoder.weights["origin"] == "five.safetensors"
    assert len(encoder.weights["sha256"]) == 64


def test_a_file_of_another_network_is_refused_by_name(tmp_path: Path) -> None:
    save_file(models.resnet34().state_dict(), tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match=r"unexpected: layer1\.2\."):
        TorchvisionParams(arch="resnet18", weights=tmp_path / "other.safetensors").build()


def test_building_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoder: Encoder = build("googlenet")
    assert capfd.readouterr() == ("", "")
    assert encoder.weights == {"origin": "none", "sha256": ""}
