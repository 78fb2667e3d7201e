"""Heads that are fitted before training begins: epoch 0 is a candidate, and is the linear model."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from mmx.blocks import Cumulative
from mmx.evaluation import linear_fit
from mmx.experiment.frozen_probe import ProbeData, linear_probe
from mmx.interfaces import Batch, Features, HeadRows, Link, Outputs
from mmx.runs import RunFolder, SilentObserver
from mmx.training.fitted_heads import fit_heads, heads_to_fit
from mmx.training.scoring import predict_logits
from mmx.training.state import State
from mmx.training.trainee import Trainee
from mmx_plugins.heads.linear_probe import LinearProbeParams
from mmx_plugins.tasks.multi_label import MultiLabelParams

STILL = {"optimizer": {"lr": 1e-12, "lr_image": 1e-12, "lr_text": 1e-12, "weight_decay": 0}}


def probing(tiny: Any, link: Link | None = None) -> Any:
    """The tiny model with a head that is fitted first."""

    class Probing(tiny.Tiny):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(plain=True, link=link)
            self.head = LinearProbeParams(hidden=4, dropout=0).build(16, self.link.inputs)

        def forward(self, batch: Batch) -> Outputs:
            there = batch.present.any(dim=1)
            raw = self.head(Features.of_pooled(self.read(batch), there)).logits
            return Outputs(self.link(raw), present=batch.present)

        def read(self, batch: Batch) -> Tensor:
            """What the head reads [B, 16]."""
            given: Any = batch.inputs
            return torch.cat(
                [self.encoders[name](one.pooled) for name, one in given.items()], dim=1
            )

    return Probing()


def trained(tiny: Any, folder: RunFolder, **settings: Any) -> tuple[Any, Any, Any]:
    """The model after training, its history and what its head read of the training rows."""
    spec = tiny.tiny_spec(**settings)
    model = probing(tiny, tiny.link(spec))
    history = tiny.tiny_train(folder.path, model, spec)
    several = settings.get("task") == "multi_label"
    part = tiny.TinyPart(50, 1, several=several)
    with torch.no_grad():
        read = model.read(part.batch(range(50))[0]).double().numpy()
    return model, history, (read - read.mean(0)) / read.std(0)


def answered(tiny: Any, model: Any, **options: Any) -> Tensor:
    """Log-probabilities of the training rows."""
    logits = predict_logits(model, tiny.TinyPart(50, 1, **options), batch_size=50).logits
    found: Tensor = model.link.log_probs(logits)
    return found.detach()


@pytest.fixture
def strength(monkeypatch: pytest.MonkeyPatch) -> float:
    """The only strength that is tried."""
    monkeypatch.setattr(linear_fit, "PROBE_STRENGTHS", (0.1,))
    return 0.1


def test_at_epoch_0_it_answers_as_logistic_regression(
    tiny: Any, folder: RunFolder, strength: float
) -> None:
    model, history, z = trained(tiny, folder, epochs=2, **STILL)
    labels = tiny.TinyPart(50, 1).labels.numpy()
    reference = LogisticRegression(C=strength, tol=1e-10, max_iter=10_000).fit(z, labels)
    expected = reference.predict_proba(z)
    np.testing.assert_allclose(answered(tiny, model).exp().numpy(), expected, atol=1e-6)
    assert history.best_epoch == 0
    assert set(history.start) == set(history.epochs[0].scores)
    (event,) = folder.events("fitted")
    assert event["validation balanced_accuracy"] == history.start["balanced_accuracy"]


def test_of_several_labels_it_is_one_for_each_on_its_known_rows(
    tiny: Any, folder: RunFolder, strength: float
) -> None:
    model, _, z = trained(tiny, folder, epochs=1, task="multi_label", **STILL)
    found = answered(tiny, model, several=True).exp().numpy()[..., 1]
    labels = tiny.TinyPart(50, 1, several=True).labels.numpy()
    for label, column in enumerate(labels.T):
        known = column >= 0
        reference = LogisticRegression(C=strength, tol=1e-10, max_iter=10_000)
        reference.fit(z[known], column[known])
        np.testing.assert_allclose(found[:, label], reference.predict_proba(z)[:, 1], atol=1e-6)


def test_of_levels_it_is_the_cumulative_model_with_the_thresholds_of_the_start(
    tiny: Any, folder: RunFolder, strength: float
) -> None:
    model, _, z = trained(tiny, folder, epochs=1, task="ordinal", **STILL)
    labels = tiny.TinyPart(50, 1).labels.numpy()
    cuts = Cumulative(tiny.LEVEL_COUNTS).thresholds.detach().double().numpy()

    def levels(weights: Any) -> Any:
        above = 1 / (1 + np.exp(cuts - (z @ weights[:-1] + weights[-1])[:, None]))
        ends = np.ones((50, 1))
        return -np.diff(np.hstack([ends, above, 0 * ends]), axis=1)

    def objective(weights: Any) -> float:
        likelihood = np.log(levels(weights)[np.arange(50), labels]).sum()
        return float(-strength * likelihood + 0.5 * np.square(weights[:-1]).sum())

    best = minimize(objective, np.zeros(17), options={"gtol": 1e-8}).x
    np.testing.assert_allclose(answered(tiny, model).exp().numpy(), levels(best), atol=1e-5)


def test_classes_weigh_as_the_answers_are_for(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, model, part = tiny.tiny_spec(), probing(tiny), tiny.TinyPart(50, 1)
    prior = torch.tensor([0.6, 0.3, 0.1])
    trainee = Trainee(model, tiny.Plain(), spec.train.sampler.build(part.labels, 0),
                      spec.task.build("abc"), prior)  # fmt: skip
    seen: list[HeadRows] = []
    (head,) = heads_to_fit(model)
    monkeypatch.setattr(head, "fit", seen.append)
    parts = {"train": part, "validation": tiny.TinyPart(31, 2)}
    fit_heads([head], trainee, parts, spec, "fp32", SilentObserver())
    (given,) = seen
    raw = torch.randn(50, 3, dtype=torch.float64)
    weights = (prior / part.labels.bincount() * 50)[part.labels].double()
    expected = weights * torch.nn.functional.cross_entropy(raw, part.labels, reduction="none")
    assert float(given.loss(raw)) == pytest.approx(float(expected.mean() / weights.mean()))
    assert (given.train.shape, given.validation.shape) == ((50, 16), (31, 16))
    right = torch.nn.functional.one_hot(parts["validation"].labels, 3).double()
    assert given.quality(right) == 1 > given.quality(-right)


def test_of_several_labels_it_answers_as_the_control(tiny: Any, folder: RunFolder) -> None:
    model, _, _ = trained(tiny, folder, epochs=1, task="multi_label", **STILL)
    rows = {"train": (50, 1), "validation": (31, 2), "test": (50, 1)}
    parts = {name: tiny.TinyPart(*drawn, several=True) for name, drawn in rows.items()}
    with torch.no_grad():
        read = {
            name: model.read(part.batch(range(len(part)))[0]).numpy()
            for name, part in parts.items()
        }
    params = MultiLabelParams()
    targets = {name: part.labels for name, part in parts.items()}
    expected = linear_probe(ProbeData(read, targets), params.build("abc"), params).test.exp()
    found = answered(tiny, model, several=True).exp().double()
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


def test_a_head_that_reads_no_training_row_stays_as_it_is(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, model, part = tiny.tiny_spec(), probing(tiny), tiny.TinyPart(50, 1)
    given = part.batch

    def without(positions: Any) -> Any:
        batch, target = given(positions)
        return replace(batch, present=torch.zeros_like(batch.present)), target

    part.batch = without
    (head,) = heads_to_fit(model)
    monkeypatch.setattr(head, "fit", None)
    sampler = spec.train.sampler.build(part.labels, 0)
    trainee = Trainee(model, tiny.Plain(), sampler, spec.task.build("abc"))
    parts = {"train": part, "validation": tiny.TinyPart(31, 2)}
    fit_heads([head], trainee, parts, spec, "fp32", SilentObserver())


def test_training_leaves_it_where_validation_improves(tiny: Any, folder: RunFolder) -> None:
    settings = {"optimizer": {"lr": 0.02, "lr_image": 0.02, "lr_text": 0.02}}
    _, history, _ = trained(tiny, folder, epochs=8, **settings)
    scores = [history.start, *(epoch.scores for epoch in history.epochs)]
    values = [one["balanced_accuracy"] for one in scores]
    assert history.best_epoch == values.index(max(values))


def test_training_stays_at_it_where_nothing_is_better_with_confidence(
    tiny: Any, folder: RunFolder
) -> None:
    settings = {"optimizer": {"lr": 0.02, "lr_image": 0.02, "lr_text": 0.02}}
    _, history, _ = trained(tiny, folder, epochs=8, confidence=0.9999, early_stopping=3, **settings)
    assert (history.best_epoch, len(history.epochs)) == (0, 3)


def test_it_says_before_it_begins_that_no_epoch_can_be_better(
    tiny: Any, folder: RunFolder, listener: Any
) -> None:
    spec = tiny.tiny_spec(epochs=2, confidence=0.99)
    part = tiny.TinyPart(31, 2)
    part.groups = tuple(str(row % 3) for row in range(31))
    parts = {"validation": part}
    tiny.tiny_train(folder.path, probing(tiny), spec, parts=parts, observer=listener)
    (told,) = listener.said
    assert "are of 3 groups, too few to say with 99 % confidence that one of 2 epochs" in told


@pytest.mark.parametrize("confidence", [None, 0.2])
def test_a_stopped_training_goes_on_with_its_start(
    tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, confidence: float | None
) -> None:
    whole, halves = (RunFolder.create(tmp_path, name, "0" * 12) for name in ("whole", "halves"))
    settings = {"epochs": 4, "confidence": confidence, "select": "balanced_nll"}
    wanted, history, _ = trained(tiny, whole, **settings)

    def stop(epoch: int, values: Any) -> None:
        if epoch == 2:
            raise KeyboardInterrupt

    spec = tiny.tiny_spec(**settings)
    with pytest.raises(KeyboardInterrupt):
        tiny.tiny_train(halves.path, probing(tiny), spec, epoch_ended=stop)
    monkeypatch.setattr("mmx.training.loop.fit_heads", None)  # it is not fitted again
    model = probing(tiny)
    again = tiny.tiny_train(halves.path, model, spec)
    assert (again.best_epoch, again.start) == (history.best_epoch, history.start)
    assert tiny.digest(model) == tiny.digest(wanted)


def test_a_state_of_an_older_version_has_no_start() -> None:
    facts = State(start={"accuracy": 0.5}).facts()
    assert State.of(facts, {}, 0).start == {"accuracy": 0.5}
    assert State.of({k: v for k, v in facts.items() if k != "start"}, {}, 0).start == {}
