"""What training does for a card: where batches go, in which layout, and how fp16 is scaled."""

import json
from pathlib import Path

import pytest
import torch
from compared import tensors_in
from tiny_runs import TRAINED, tiny_spec
from torch import Tensor, nn

import mmx
from mmx.blocks import store_channels_last
from mmx.testing.samples import batch
from mmx.training import beside, channels_last, to_device


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RUNS", "CACHE", "COMPARISONS"):
        monkeypatch.setenv(f"MMX_{name}", str(tmp_path / name.lower()))


def test_a_batch_arrives_whole(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pinned: list[bool] = []
    move = Tensor.to

    def noted(tensor: Tensor, *args: object, **more: object) -> Tensor:
        if more.get("non_blocking"):
            pinned.append(tensor.is_pinned() or tensor.is_cuda)
        return move(tensor, *args, **more)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(Tensor, "to", noted)
    given = batch(4)
    arrived = to_device(given, torch.device(device))
    if device == "cuda":
        assert pinned
        assert all(pinned), "a copy that does not wait reads memory that may move"
    pairs = zip(tensors_in(given), tensors_in(arrived), strict=True)
    assert all(torch.equal(before, after.cpu()) for before, after in pairs)
    assert {one.device.type for one in tensors_in(arrived)} == {device}


def test_convolutions_read_and_keep_channels_last(device: str) -> None:
    params = mmx.Plugins().find("encoder", "timm")
    network = params.model_validate({"arch": "resnet10t", "weights": "none"})
    encoder = network.build().eval().to(device)  # type: ignore[attr-defined]
    given = to_device(batch(4, side=32), torch.device(device))
    wanted = encoder(given.inputs["image"]).pooled
    store_channels_last(encoder)
    stored = channels_last(given, nn.ModuleDict({"image": encoder})).inputs["image"]
    assert isinstance(stored, mmx.Images)
    assert stored.pixels.flatten(0, 1).is_contiguous(memory_format=torch.channels_last)
    weights = [layer.weight for layer in encoder.modules() if isinstance(layer, nn.Conv2d)]
    assert all(one.is_contiguous(memory_format=torch.channels_last) for one in weights)
    torch.testing.assert_close(encoder(stored).pooled, wanted, rtol=1e-4, atol=1e-5)


def test_what_is_asked_of_a_module_comes_to_where_it_is(device: str) -> None:
    logits = torch.zeros(2, 3)
    assert beside(nn.Linear(3, 3).to(device), logits).device.type == device
    assert beside(nn.ReLU(), logits) is logits


def test_answers_are_adjusted_where_the_loss_is(device: str) -> None:
    changes = ("loss={type: logit_adjusted, mode: post_hoc}", "train.epochs=1")
    run = mmx.run(tiny_spec(*changes))
    assert settled(run)["device"] == device_of_this_machine(device)


def settled(run: mmx.Run) -> dict[str, str]:
    """What the training wrote down of itself."""
    found: dict[str, str] = json.loads((run.path / "training.json").read_text())
    return found


def device_of_this_machine(device: str) -> str:
    """mmx itself takes the card where there is one."""
    return "cuda" if torch.cuda.is_available() else device


def test_fp16_is_scaled_and_a_step_that_overflows_is_left_out(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first scale is far too large: it is halved until gradients fit, and nothing is NaN."""
    made: list[torch.amp.GradScaler] = []

    class TooLarge(torch.amp.GradScaler):
        def __init__(self, place: str, *, enabled: bool) -> None:
            super().__init__(place, init_scale=2.0**40, enabled=enabled)
            made.append(self)

    monkeypatch.setattr(torch.amp, "GradScaler", TooLarge)
    # the spec refuses fp16 on a CPU, where this test shall run too
    monkeypatch.setattr("mmx.training.session.resolve_precision", lambda *_: "fp16")
    run = mmx.run(tiny_spec(*TRAINED, "train.epochs=6"))
    assert settled(run)["precision"] == "fp16"
    assert 0 < made[0].get_scale() < 2.0**40
    assert run.predictions.filter(regex="^p_").notna().all(axis=None)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_fp32_is_not_rounded_to_tf32(precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In training as the spec says it; always in what is encoded and predicted."""
    seen: dict[bool, set[bool]] = {True: set(), False: set()}
    forward = nn.Conv2d.forward

    def noted(layer: nn.Conv2d, pixels: Tensor) -> Tensor:
        seen[layer.training and torch.is_grad_enabled()].add(torch.backends.cudnn.allow_tf32)
        return forward(layer, pixels)

    monkeypatch.setattr(nn.Conv2d, "forward", noted)
    allowed = torch.backends.cudnn.allow_tf32
    mmx.run(tiny_spec(*TRAINED, "train.epochs=1", f"train.precision={precision}"))
    assert seen[True] == {allowed and precision == "bf16"}
    assert torch.backends.cudnn.allow_tf32 == allowed
    seen[False].clear()
    mmx.run(tiny_spec("train.epochs=1"))
    assert False in seen[False]
