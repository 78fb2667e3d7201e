"""Controls without a network."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from mmx.pipeline.learner import build_learner, trained_prior
from mmx.pipeline.prepare import prepare
from mmx.runs import SilentObserver
from mmx.spec import load_spec
from mmx.study.baselines import STRENGTH, word_features
from mmx_plugins.tasks.single_label import SingleLabel

EVEN = np.array([0.5, 0.5])


def text_probe(
    train: list[str], labels: NDArray[np.int64], test: list[str], prior: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Classes that the probe of a task answers to texts."""
    task, (seen, asked) = SingleLabel(["x", "y"]), word_features(train, test)
    found = task.probe(seen, torch.from_numpy(labels), asked, torch.from_numpy(prior), STRENGTH)
    assert found is not None
    return task.predicted(found).numpy()


def test_the_probe_reads_what_a_text_tells_and_no_more() -> None:
    generator = np.random.default_rng(0)
    labels = generator.integers(2, size=400)
    telling = [f"a man of 50 with a spot on the {('arm', 'leg')[one]}" for one in labels]
    silent = ["a man of 50 with a spot" for _ in labels]
    predicted = text_probe(telling[:300], labels[:300], telling[300:], EVEN)
    assert (predicted == labels[300:]).all()
    guessed = text_probe(silent[:300], labels[:300], silent[300:], EVEN)
    assert len(set(guessed.tolist())) == 1


def test_the_probe_follows_the_prior_that_it_is_trained_for() -> None:
    """Texts that tell nothing: with classes as they are the answer is the commonest one."""
    generator = np.random.default_rng(0)
    labels = (generator.random(600) < 0.15).astype(np.int64)
    texts = [f"a spot on the {generator.choice(['arm', 'leg', 'back'])}" for _ in labels]
    share = labels.mean()
    plain = text_probe(texts, labels, texts, np.array([1 - share, share]))
    balanced = text_probe(texts, labels, texts, EVEN)
    rare = text_probe(texts, labels, texts, np.array([0.05, 0.95]))
    assert (plain == 0).all()
    assert 0 < balanced.mean() < 1
    assert (rare == 1).all()


@pytest.mark.parametrize(
    "change",
    ["seed=0", "train.class_weights=inverse_frequency", "train.sampler={type: weighted}",
     "loss={type: cross_entropy, weights: inverse_frequency}", "loss=logit_adjusted"],
)  # fmt: skip
def test_the_record_is_probed_for_the_prior_of_the_arms(
    tiny_spec: Path, tiny_plugin: Path, change: str
) -> None:
    """Whatever corrects for rare classes: sampler, weights or loss."""
    spec = load_spec(tiny_spec, overrides=[change], plugins=[tiny_plugin])
    prepared = prepare(spec, SilentObserver())
    found = trained_prior(spec, prepared.manifest, prepared.split)
    wanted = build_learner(spec, prepared.manifest, prepared.split).prior
    np.testing.assert_allclose(found.numpy(), wanted.numpy())
