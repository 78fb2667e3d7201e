"""What a spec is made into: YAML, the data of a digest, differences."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from mmx import Spec, load_spec
from mmx.commands import ABSENT, Difference, diff_specs

Load = Callable[..., Spec]


def test_resolved_yaml_holds_every_default_and_loads_back(
    load: Load, good: str, toys: Path
) -> None:
    rows = "{type: toy_rows, root: images}"
    spec = load(good.replace("toy_rows", rows) + "inference: [toy_twice]\n")
    text = spec.to_yaml()
    assert yaml.safe_load(text) == spec.resolved()
    assert spec.resolved()["train"]["optimizer"]["lr"] == 1e-3
    elsewhere = Path("elsewhere") / "resolved.yaml"
    elsewhere.parent.mkdir()
    elsewhere.write_text(text, encoding="utf-8")
    assert load_spec(elsewhere, plugins=[toys]).resolved() == spec.resolved()


def test_a_methods_own_settings_are_never_lost(load: Load, good: str) -> None:
    wrapped = good.replace("toy_eye", "{type: toy_wrapper, backbone: {type: toy_eye, arch: big}}")
    image = load(wrapped).resolved()["model"]["encoders"]["image"]
    assert image["backbone"] == {"train": "frozen", "type": "toy_eye", "arch": "big"}


SAME = ["name=other", "data.workers=3", "data.cache.budget_gb=1", "data.memory_gb=0",
        "train.checkpoint_minutes=9", "data.dataset.root=elsewhere", "data.dataset.files=[b]",
        "data.cache.folder=c", "data.split.file=split.csv"]  # fmt: skip
OTHER = ["seed=1", "data.split.seed=1", "model.fusion.heads=2", "loss=toy_even", "train.epochs=1",
         "data.dataset.n=5", "inference=[toy_twice]", "model.image.backbone.arch=big",
         "evaluation.batch_size=8", "data.dataset.weights=bundled"]  # fmt: skip


@pytest.fixture
def wrapped(good: str) -> str:
    """A spec with a path and a nested encoder."""
    wrapper = good.replace("toy_eye", "{type: toy_wrapper, backbone: toy_eye}")
    return wrapper.replace("toy_rows", "{type: toy_rows, root: images, files: [a]}")


@pytest.mark.parametrize("override", SAME)
def test_what_changes_no_number_does_not_identify(load: Load, wrapped: str, override: str) -> None:
    changed = load(wrapped, override)
    assert diff_specs(load(wrapped), changed) != []
    assert changed.digest_fields() == load(wrapped).digest_fields()


@pytest.mark.parametrize("override", OTHER)
def test_what_changes_a_number_identifies(load: Load, wrapped: str, override: str) -> None:
    assert load(wrapped, override).digest_fields() != load(wrapped).digest_fields()


def test_the_folder_of_a_spec_does_not_identify(load: Load, wrapped: str) -> None:
    here, there = load({"a.yaml": wrapped}), load({"far/away.yaml": wrapped})
    assert here.resolved() != there.resolved()
    assert here.digest_fields() == there.digest_fields()


def test_equal_specs_have_no_difference(load: Load, good: str) -> None:
    assert diff_specs(load(good), load(good + "seed: 0\n")) == []


def test_a_difference_names_key_and_both_values(load: Load, good: str) -> None:
    left = load(good + "inference: [toy_twice]\n")
    right = load(good, "model.fusion=toy_add", "train.epochs=3", "inference=[]")
    assert diff_specs(left, right) == [
        Difference("model.fusion.type", "toy_mix", "toy_add"),
        Difference("model.fusion.heads", 8, ABSENT),
        Difference("model.fusion.rate", 0.1, ABSENT),
        Difference("model.fusion.word", "", ABSENT),
        Difference("train.epochs", 20, 3),
        Difference("inference.0", {"type": "toy_twice", "times": 2}, ABSENT),
    ]
