"""Types of core that a plugin of API 1 makes itself, and methods that it has with fewer arguments.

``MADE`` and ``CALLED`` are what API 1 had, read off its last state; they are never changed.
"""

import copy
import pickle
from collections.abc import Mapping
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import torch

import mmx
from mmx import interfaces

FILE = Path(__file__).parent / "builds.py"
MADE = {  # fields in their order; "=" has a default
    "Sample": "id group images= boxes= record= label= own=",
    "Rejected": "row reason",
    "Facts": "synonyms= leak_columns= allowed_views= notes= group=",
    "FeatureShape": "dim level_dims=",
    "Features": "tokens mask pooled= levels= present= parts= explain= penalties=",
    "HeadOutput": "logits penalties= explain=",
    "Prediction": "log_probs extras=",
    "Curve": "title x_label y_label x y bars=",
    "Validation": "logits target group class_counts sampled_counts allowed_views",
    "Images": "pixels mask boxes=",
    "Views": "features masks size",
    "Texts": "ids mask",
    "Batch": "image text present group=",
    "Outputs": "logits part_logits= present= penalties= explain=",
    "LossValue": "total terms",
    "Seen": "tokens token_mask pooled mask size",
    "Check": "id finds run short=",
    "Finding": "check verdict message evidence= pictures= score=",
}
CALLED = {  # methods that a plugin has, and by what core gives them
    "InferenceHook.bind": "model",
    "InferenceHook.observe": "next batch",
    "InferenceHook.fit": "validation",
    "InferenceHook.predict": "next batch",
    "InferenceHook.measure": "prediction target",
    "InferenceHook.curves": "prediction target",
    "InferenceParams.check": "allowed_views",
    "SingleImageEncoder.encode": "pixels",
    "ImageEncoder.forward": "images",
    "TextEncoder.tokenize": "texts",
    "TextEncoder.forward": "texts",
    "Encoder.learn": "training",
    "WrappingEncoder.views": "images",
    "WrappingEncoder.view_mask": "mask",
    "WrappingEncoder.looked_at": "mask",
    "WrappingEncoder.check_views": "most",
    "WrappingEncoder.needs": "reads",
    "WrappingEncoder.combine": "seen",
    "WrappingEncoder.run": "images views",
    "FusionParams.build": "image text",
    "Fusion.forward": "image text",
    "DecisionFusion.combine": "image_logits text_logits present",
    "HeadParams.build": "dim classes",
    "Head.forward": "features",
    "LossParams.build": "class_counts",
    "Loss.forward": "outputs target progress",
    "Loss.adjust": "logits",
    "NarrativeParams.build": "features",
    "Narrative.fit": "train",
    "Narrative.write": "sample",
    "Narrative.write_all": "samples",
    "SamplerParams.build": "labels seed",
    "Sampler.set_epoch": "epoch",
    "Sampler.set_groups": "groups",
    "Sampler.expected_counts": "class_counts",
}
TRANSLATED = {  # what the adapter in mmx.plugins.api1 carries; all else takes what API 1 took
    "InferenceHook.measure",
    "WrappingEncoder.looked_at",
    "FusionParams.build",
    "Fusion.forward",
    "DecisionFusion.combine",
}
MASK = torch.ones(2, 3, dtype=torch.bool)
VALUES: Mapping[str, Any] = {
    "tokens": torch.zeros(2, 3, 4), "mask": MASK, "pooled": torch.zeros(2, 4),
    "present": torch.ones(2, 2, dtype=torch.bool), "logits": torch.zeros(2, 5),
    "image": mmx.Texts(MASK.long(), MASK), "text": mmx.Texts(MASK.long(), MASK),
    "masks": (MASK,), "group": ("a", "b"), "images": (None, None), "boxes": (None, None), "own": 1,
    "levels": (),
}  # fmt: skip
READ = {"images": {"image": (None, None)}, "boxes": {"image": (None, None)}, "own": {"image": 1}}


def of_api_1(name: str) -> Any:
    """The class of that name."""
    return getattr(interfaces, name, None) or getattr(mmx, name)


def value(kind: str, field: str) -> Any:
    if (kind, field) == ("Features", "present"):
        return torch.ones(2, dtype=torch.bool)
    if (kind, field) == ("Images", "boxes"):
        return torch.zeros(2, 3, 4)
    return VALUES.get(field, f"the {field}")


@pytest.mark.parametrize("kind", MADE)
@pytest.mark.parametrize("way", ["by place", "by name", "shortest"])
def test_a_type_is_made_as_api_1_made_it_and_says_what_it_was_given(kind: str, way: str) -> None:
    names = [name for name in MADE[kind].split() if way != "shortest" or not name.endswith("=")]
    given = {name.rstrip("="): value(kind, name.rstrip("=")) for name in names}
    made = of_api_1(kind)(*given.values()) if way == "by place" else of_api_1(kind)(**given)
    for name, one in given.items():
        wanted = READ[name] if kind == "Sample" and name in READ else one
        found = getattr(made, name)
        assert torch.equal(found, one) if isinstance(one, torch.Tensor) else found == wanted


def test_a_method_of_api_1_takes_what_core_gives_it_or_is_translated() -> None:
    changed = set()
    for name, given in CALLED.items():
        kind, _, method = name.partition(".")
        now = list(signature(getattr(of_api_1(kind), method)).parameters)[1:]
        changed |= {name} if len(now) != len(given.split()) else set()
    assert changed == TRANSLATED


def a_batch() -> mmx.Batch:
    image = mmx.Images(torch.rand(2, 1, 3, 4, 4), torch.ones(2, 1, dtype=torch.bool))
    present = torch.ones(2, 2, dtype=torch.bool)
    return mmx.Batch({"image": image, "text": VALUES["text"]}, present, ("a", "b"))


def test_a_hook_makes_batches_in_every_way_that_api_1_had() -> None:
    params: Any = mmx.Plugins(path=[], files=[FILE]).find("inference", "old_copies")
    batch, asked = a_batch(), list[mmx.Batch]()

    def inner(shown: mmx.Batch) -> mmx.Prediction:
        asked.append(shown)
        return mmx.Prediction(torch.zeros(2, 3).log_softmax(dim=1))

    hook = params().build()
    hook.predict(inner, batch)
    flipped = batch.inputs["image"].pixels.flip(-1)  # type: ignore[attr-defined]
    assert len(asked) == 5
    for one in asked:
        assert one.modalities == ("image", "text")
        assert torch.equal(one.inputs["image"].pixels, flipped)  # type: ignore[attr-defined]
        assert one.inputs["text"] is batch.inputs["text"]
        assert one.present is batch.present
    assert [one.group for one in asked] == [("a", "b")] * 2 + [()] + [("a", "b")] * 2
    found = hook.measure(mmx.Prediction(torch.zeros(2, 3)), torch.zeros(2), ["a", "b"])
    assert found == {"rows": 2.0}
    again = copy.deepcopy(hook)
    assert again.measure.args[0].__self__ is again  # the copy asks itself


def test_an_encoder_of_several_views_need_not_know_their_centre() -> None:
    params: Any = mmx.Plugins(path=[], files=[FILE]).find("encoder", "old_pairs")
    pixels = Path(__file__).parent / "every_kind.py"
    backbone: Any = mmx.Plugins(path=[], files=[pixels]).find("encoder", "old_pixels")
    encoder = params(backbone=backbone()).build()
    assert encoder.looked_at(torch.tensor([True, True]), 0) == 1
    assert encoder.looked_at(torch.tensor([True, False]), 0) == 0


def test_a_batch_is_refused_as_any_call_with_wrong_arguments_and_can_be_stored() -> None:
    batch = a_batch()
    make: Any = mmx.Batch
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'present'"):
        make(batch.inputs)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'text'"):
        make(batch.inputs["image"], present=batch.present)
    record = make({"record": batch.inputs["text"]}, batch.present[:, :1])
    assert not hasattr(record, "image")
    assert not hasattr(record, "pin_memory")
    assert pickle.loads(pickle.dumps(batch)).group == batch.group
    assert copy.deepcopy(batch).modalities == ("image", "text")
