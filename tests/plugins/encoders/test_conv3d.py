"""3D convolutions over slices: torchvision's networks, and volumes of different depth."""

from pathlib import Path

import pytest
import torch
from einops import rearrange
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision import models
from torchvision.models import get_model

from mmx import DataError, Images, WeightsError
from mmx_plugins.encoders.conv3d import MEAN, STD, Conv3d, Conv3dParams, to_depth

ARCHS = ("r3d_18", "mc3_18", "r2plus1d_18")


def built(arch: str = "r3d_18", **settings: object) -> Conv3d:
    torch.manual_seed(0)
    given = {"arch": arch, "weights": "none", **settings}
    return Conv3dParams.model_validate(given).build().eval()


def slices(*counts: int, side: int = 32) -> Images:
    """Random slices; each row has so many, and noise behind them."""
    torch.manual_seed(1)
    most = max(counts)
    mask = torch.arange(most) < torch.tensor(counts)[:, None]
    return Images(torch.rand(len(counts), most, 3, side, side), mask)


@torch.no_grad()
def pooled(encoder: Conv3d, images: Images) -> Tensor:
    found: Tensor = encoder(images).pooled
    return found


@pytest.mark.parametrize("arch", ARCHS)
@torch.no_grad()
def test_pooled_is_the_network_without_its_classifier(arch: str) -> None:
    given = slices(5, 5)
    torch.manual_seed(0)
    network = get_model(arch, weights=None).eval()
    network.fc = nn.Identity()
    mean, std = (torch.tensor(one).view(3, 1, 1) for one in (MEAN, STD))
    wanted = network(rearrange((given.pixels - mean) / std, "b v c h w -> b c v h w"))
    found = built(arch)(given)
    torch.testing.assert_close(found.pooled, wanted, rtol=0, atol=1e-6)
    assert [level.tokens.shape[2] for level in found.levels] == [128, 256, 512]
    assert torch.equal(found.levels[-1].tokens, found.tokens)


@pytest.mark.parametrize("depth", [None, 4])
def test_a_volume_is_read_alike_alone_and_beside_deeper_ones(depth: int | None) -> None:
    encoder, given = built(depth=depth), slices(3, 9, 1, 3)
    found = pooled(encoder, given)
    for row, count in enumerate([3, 9, 1, 3]):
        alone = Images(given.pixels[row : row + 1, :count], given.mask[row : row + 1, :count])
        torch.testing.assert_close(found[row : row + 1], pooled(encoder, alone), rtol=0, atol=1e-5)


@pytest.mark.parametrize("depth", [None, 4])
def test_missing_slices_are_left_out_and_nothing_shows_through(depth: int | None) -> None:
    encoder, given = built(depth=depth), slices(4)
    wide = torch.full((1, 7, 3, 32, 32), float("nan"))
    there = torch.tensor([[False, True, True, False, True, True, False]])
    wide[there] = given.pixels[0]
    found = encoder(Images(wide, there))
    torch.testing.assert_close(found.pooled, pooled(encoder, given), rtol=0, atol=1e-6)
    assert found.present.tolist() == [True]
    nothing = encoder(Images(wide, torch.zeros_like(there)))
    assert nothing.present.tolist() == [False]
    assert bool(torch.isfinite(nothing.pooled).all())


def test_the_order_of_slices_matters() -> None:
    encoder, given = built(), slices(4)
    turned = Images(given.pixels.flip(1), given.mask)
    assert not torch.allclose(pooled(encoder, given), pooled(encoder, turned), atol=1e-4)


def test_slices_are_averaged_down_or_interpolated_to_the_depth() -> None:
    volume = torch.arange(6.0).view(1, 1, 6, 1, 1).expand(-1, -1, -1, 2, 2)
    for depth, wanted in (
        (6, [0, 1, 2, 3, 4, 5]),
        (3, [0.5, 2.5, 4.5]),
        (12, [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.25, 3.75, 4.25, 4.75, 5]),
    ):
        assert to_depth(volume, depth)[0, 0, :, 0, 0].tolist() == wanted
    assert to_depth(volume, None) is volume


def test_weights_of_a_file_are_those_of_the_network(tmp_path: Path) -> None:
    torch.manual_seed(5)
    network = get_model("r3d_18", weights=None).eval()
    save_file(network.state_dict(), tmp_path / "w.safetensors")
    encoder = built(weights=str(tmp_path / "w.safetensors"))
    stage, wanted = (
        encoder.stages["layer4"].state_dict(),
        network.get_submodule("layer4").state_dict(),
    )
    assert all(torch.equal(stage[name], value) for name, value in wanted.items())
    assert encoder.weights["sha256"]
    with pytest.raises(WeightsError, match="no weights of 3D networks are bundled"):
        Conv3dParams(weights="bundled").build()


def test_downloaded_weights_are_told_by_their_name_and_a_failed_download_in_plain_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def offline(*_: object, **__: object) -> object:
        raise OSError("no network")

    best = models.get_weight("R3D_18_Weights.KINETICS400_V1")
    random = models.get_model("r3d_18", weights=None).state_dict()
    monkeypatch.setattr(type(best), "get_state_dict", lambda *_, **__: random)
    assert Conv3dParams().build().weights["origin"] == "torchvision R3D_18_Weights.KINETICS400_V1"
    monkeypatch.setattr(type(best), "get_state_dict", offline)
    with pytest.raises(WeightsError, match=r"r3d_18 cannot be downloaded \(no network\); use"):
        Conv3dParams().build()


def test_single_images_are_no_volume() -> None:
    built().check_views(8)
    with pytest.raises(DataError, match=r"finds no volume; name the slices \(data.image.frames"):
        built().check_views(1)


def test_the_last_stage_learns() -> None:
    encoder = built()
    encoder.learn("last")
    learning = {name.split(".")[1] for name, one in encoder.named_parameters() if one.requires_grad}
    assert learning == {"layer4"}


def test_gradients_on_a_cpu_are_those_of_fp32_where_a_run_trains_in_bf16() -> None:
    encoder, given = built(), slices(2, side=24)
    encoder.learn("full")
    found = []
    for narrow in (True, False):
        encoder.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=narrow):
            encoder(given).pooled.square().mean().backward()
        found.append([one.grad for one in encoder.parameters()])
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(*found, strict=True))
