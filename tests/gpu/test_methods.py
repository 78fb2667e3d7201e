"""Every method beside the CPU: results and gradients in fp32, and no NaN in half precision.

Products in fp32 are made in fp32 (no TF32), so that what is left is the order of sums.
"""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from compared import HALVES, apart, asked_of, finite, leaves_on, numbers, tensors_in
from model_folders import clip_folder, image_folder, text_folder
from torch import Tensor, nn

import mmx
from mmx.blocks import exact_fp32
from mmx.interfaces import DecisionFusion, map_tensors
from mmx.testing.encoders import fresh, inputs_of
from mmx.testing.inference_hooks import fitted, model_of
from mmx.testing.samples import batch
from mmx.testing.subjects import FusionSubject, HeadSubject, Subject
from mmx.testing.targets import question_of, tasks_of

CLOSE, DEEP = 2e-4, 2e-3  # of the largest value of a tensor; DEEP: of networks of many layers
LITTLE = {"type": "timm", "arch": "resnet10t", "weights": "none"}
SETTINGS: dict[str, dict[str, Any]] = {
    "fusion.only": {"modality": "image"},
    "encoder.timm": LITTLE,
    "encoder.conv3d": {"weights": "none"},
    "encoder.torchvision": {"arch": "resnet18", "weights": "none"},
    "encoder.multi_view": {"backbone": LITTLE},
    "encoder.pseudo_3d": {"backbone": LITTLE},
    "encoder.global_local": {"backbone": LITTLE},
    "encoder.dual_expert": {"backbone": LITTLE},
}
Record = Callable[[str, object], None]


def keys(kind: str) -> list[str]:
    """Every method of a kind that mmx itself has."""
    return [one.key for one in mmx.Plugins().installed(kind) if one.package == "mmx"]


def params_of(key: str) -> Any:
    """Its settings, the smallest that there are."""
    kind, _, name = key.partition(".")
    return mmx.Plugins().find(kind, name).model_validate(SETTINGS.get(key, {}))


@pytest.fixture(autouse=True)
def exact() -> Iterator[None]:
    with exact_fp32():
        yield


def halves(device: str) -> dict[str, torch.dtype]:
    """The arithmetics that a device trains in besides fp32."""
    return {name: kind for name, kind in HALVES.items() if device == "cuda" or name == "bf16"}


def values(module: nn.Module, subject: Subject, inputs: Any) -> dict[str, Tensor]:
    return numbers(subject.outputs(module, inputs), asked_of(module, inputs))


def compare(subject: Subject, device: str) -> float:
    """How far a fusion or head is from itself on the CPU; finite in half precision."""
    module = subject.awake()
    here = values(module, subject, leaves_on(subject.inputs(), "cpu"))
    moved = leaves_on(subject.inputs(), device)
    on = module.to(device)
    share = apart(here, values(on, subject, moved))
    for name, kind in halves(device).items():
        with torch.autocast(device, kind):
            assert finite(values(on, subject, moved)), f"not finite in {name}"
    result = subject.call(on, moved) if not isinstance(on, DecisionFusion) else moved
    assert {one.device.type for one in tensors_in(result)} == {device}
    return share


@pytest.mark.parametrize("key", keys("fusion"))
def test_a_fusion_is_the_same(key: str, device: str, record_property: Record) -> None:
    share = compare(FusionSubject(params_of(key)), device)
    record_property("apart", share)
    assert share < CLOSE


@pytest.mark.parametrize("key", keys("head"))
def test_a_head_is_the_same(key: str, device: str, record_property: Record) -> None:
    share = compare(HeadSubject(params_of(key)), device)
    record_property("apart", share)
    assert share < CLOSE


@pytest.mark.parametrize("key", keys("loss"))
def test_a_loss_is_the_same(key: str, device: str, record_property: Record) -> None:
    params = params_of(key)
    asked = question_of(params)
    found = []
    for place in ("cpu", device):
        outputs = leaves_on(asked.outputs(5), place)
        loss = params.build(asked.counts).to(place)
        total = loss(outputs, asked.target.to(place), 0.5).total
        (grad,) = torch.autograd.grad(total, [outputs.logits])
        found.append({"total": total.detach().cpu(), "gradient": grad.cpu()})
    share = apart(*found)
    record_property("apart", share)
    assert share < CLOSE


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Model folders of the encoders that read one."""
    place = tmp_path_factory.mktemp("models")
    made = {
        "encoder.transformers": text_folder(place / "text"),
        "encoder.hf_vision": image_folder(place / "image"),
    }
    if find_spec("open_clip"):
        clip = clip_folder(place / "clip")
        made |= {"encoder.open_clip": clip, "encoder.open_clip_text": clip}
    return made


def encoded(encoder: mmx.Encoder, inputs: Any) -> dict[str, Tensor]:
    """Real tokens, pooled vectors and levels, and the gradients of all weights."""
    given = encoder(inputs)
    found = {"pooled": given.pooled}
    for depth, one in enumerate([given, *given.levels]):
        found[f"tokens {depth}"] = one.tokens.masked_fill(~one.mask[..., None], 0)
    assert {one.device for one in tensors_in(given)} == {given.pooled.device}
    return numbers(found, asked_of(encoder, None))


@pytest.mark.parametrize("key", keys("encoder"))
def test_an_encoder_is_the_same(
    key: str, device: str, folders: dict[str, Path], record_property: Record
) -> None:
    if key.startswith("encoder.open_clip"):
        pytest.importorskip("open_clip", reason="its library is not installed here")
    params = params_of(key) if key not in folders else _of_folder(key, folders[key])
    encoder = fresh(params)
    encoder.learn("full")
    encoder.eval()
    inputs = inputs_of(params, encoder)
    here = encoded(encoder, inputs)
    moved = map_tensors(inputs, lambda tensor: tensor.to(device))
    on = encoder.to(device)
    share = apart(here, encoded(on, moved))
    for name, kind in halves(device).items():
        with torch.autocast(device, kind):
            assert finite(encoded(on, moved)), f"not finite in {name}"
    record_property("apart", share)
    assert share < DEEP


def _of_folder(key: str, folder: Path) -> Any:
    return (
        mmx.Plugins()
        .find("encoder", key.partition(".")[2])
        .model_validate({"model": str(folder), "weights": "none"})
    )


@pytest.mark.parametrize("key", keys("inference"))
def test_a_hook_is_the_same(key: str, device: str, record_property: Record) -> None:
    """Hooks see answers on the CPU and batches where the model is."""
    params = params_of(key)
    found = []
    for place in ("cpu", device):
        hook, ask = fitted(params), model_of(tasks_of(params)[0])

        def there(given: mmx.Batch, ask: Any = ask) -> mmx.Prediction:
            return map_tensors(ask(given), lambda tensor: tensor.cpu())

        given = map_tensors(batch(4), lambda tensor, place=place: tensor.to(place))  # type: ignore[misc]
        prediction = hook.predict(there, given)
        told = {name: value.float() for name, value in prediction.extras.items()}
        found.append({"answers": prediction.log_probs.exp(), **told})
    share = apart(*found)
    record_property("apart", share)
    assert share < CLOSE
