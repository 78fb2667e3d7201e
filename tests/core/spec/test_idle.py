"""Keys that change nothing are named, and no others are."""

from collections.abc import Callable

import pytest

from mmx import Spec
from mmx.spec import idle_keys

Load = Callable[..., Spec]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("evaluation.resamples=300", "evaluation.resamples: 300 has no effect: intervals are"),
        ("train.margin=0", "train.margin: 0 has no effect: train.confidence decides"),
        ("evaluation.seed=0", "evaluation.seed: 0 has no effect"),
        ("train.optimizer.momentum=0.5", "momentum: 0.5 has no effect: adamw has none"),
    ],
)
def test_a_key_without_effect_is_named(load: Load, good: str, change: str, words: str) -> None:
    (told,) = idle_keys(load(good, change))
    assert words in told
    assert told.endswith("leave it out")


def test_a_resolved_spec_names_nothing(load: Load, good: str) -> None:
    spec = load(good, "train.modality_dropout=0.3")
    assert idle_keys(spec) == []
    assert idle_keys(load(spec.to_yaml())) == []
    assert idle_keys(load(good, "train.optimizer={type: sgd, momentum: 0.5}")) == []
