"""Inference hooks on several labels, against independent references."""

import math
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch
from scipy.optimize import minimize, minimize_scalar
from torch import Tensor

import mmx
from mmx import Batch, InferenceHook, InferenceParams, Prediction
from mmx.blocks import Sigmoid
from mmx.evaluation import choose_thresholds
from mmx.interfaces import Interval, Validation
from mmx_plugins.inference.risk_control import missed_share, threshold
from mmx_plugins.inference.tta import combined, mixture_weights

LABELS = 3
LINK = Sigmoid(LABELS)
BATCH = cast(Batch, None)  # the hooks never look at it


def validation(seed: int = 0, rows: int = 400, *, unknown: float = 0.1) -> Validation:
    """Over-confident log-probabilities of three labels; two rows a group."""
    generator = torch.Generator().manual_seed(seed)
    truth = (torch.rand(rows, LABELS, generator=generator) < torch.tensor([0.5, 0.3, 0.1])).long()
    logits = 4 * (truth + torch.randn(rows, LABELS, generator=generator) - 0.7)
    target = truth.masked_fill(torch.rand(rows, LABELS, generator=generator) < unknown, -1)
    counts = torch.tensor([[200, 180, 20], [260, 120, 20], [340, 40, 20]])
    groups = tuple(f"p{row // 2}" for row in range(rows))
    return Validation(
        LINK.log_probs(logits), target, groups, counts, counts, ("identity",), task="multi_label"
    )


def fitted(name: str, given: Validation, **settings: Any) -> InferenceHook:
    params = mmx.Plugins().find("inference", name).model_validate({"type": name, **settings})
    assert isinstance(params, InferenceParams)
    assert params.fits("multi_label")
    hook = params.build()
    hook.fit(given)
    return hook


def predicted(hook: InferenceHook, log_probs: Tensor) -> Prediction:
    return hook.predict(lambda _: Prediction(log_probs), BATCH)


def odds(log_probs: Tensor) -> Tensor:
    return (log_probs[..., 1] - log_probs[..., 0]).double()


def entropy(logits: np.ndarray, target: np.ndarray) -> float:
    """Mean binary cross-entropy of the known labels."""
    known = target >= 0
    z, y = logits[known], target[known]
    return float(np.mean(np.logaddexp(0, np.where(y == 1, -z, z))))


def test_one_temperature_is_that_of_the_masked_cross_entropy() -> None:
    given = validation()
    z, target = odds(given.logits).numpy(), given.target.numpy()
    best: Any = minimize_scalar(
        lambda log_t: entropy(z / math.exp(log_t), target), bounds=(-2, 2), method="bounded"
    )
    found = odds(predicted(fitted("temperature", given), given.logits).log_probs)
    torch.testing.assert_close(found, odds(given.logits) / math.exp(best.x), rtol=1e-3, atol=1e-3)


def test_platt_is_the_fit_of_smoothed_targets() -> None:
    given = validation(1)
    found = odds(predicted(fitted("platt", given), given.logits).log_probs)
    for label in range(LABELS):
        rows = (given.target[:, label] >= 0).numpy()
        z, y = odds(given.logits).numpy()[rows, label], given.target.numpy()[rows, label]
        soft = np.where(y == 1, (y.sum() + 1) / (y.sum() + 2), 1 / (len(y) - y.sum() + 2))

        def loss(line: np.ndarray, z: np.ndarray = z, soft: np.ndarray = soft) -> float:
            moved = line[0] * z + line[1]
            return float(
                np.mean(soft * np.logaddexp(0, -moved) + (1 - soft) * np.logaddexp(0, moved))
            )

        line = minimize(loss, [1.0, 0.0], tol=1e-12).x
        wanted = torch.from_numpy(line[0] * odds(given.logits).numpy()[:, label] + line[1])
        torch.testing.assert_close(found[:, label], wanted, rtol=1e-3, atol=1e-3)


def test_platt_of_a_label_with_few_rows_or_turned_round_shares_one_fit() -> None:
    given = validation(2)
    target = given.target.clone()
    target[:, 2] = torch.where(torch.arange(400) < 12, target[:, 2], -1)
    turned = given.logits.clone()
    turned[:, 1] = turned[:, 1].flip(-1)
    hook = fitted("platt", replace(given, logits=turned, target=target))
    assert "labels 2, 3 (in their order) share one fit" in hook.notes[0]
    found = odds(predicted(hook, turned).log_probs)
    order = odds(turned)[:, 1].argsort()
    assert (found[order, 1].diff() >= 0).all()


def test_separated_labels_keep_platt_finite() -> None:
    target = (torch.arange(100) % 2)[:, None].expand(100, LABELS)
    given = Validation(
        LINK.log_probs(20.0 * (2 * target - 1)), target, tuple(map(str, range(100))),
        torch.ones(LABELS, 3), torch.ones(LABELS, 3), (), task="multi_label",
    )  # fmt: skip
    assert predicted(fitted("platt", given), given.logits).log_probs.isfinite().all()


def test_the_threshold_of_risk_control_is_that_of_a_search() -> None:
    given = validation(3, rows=120)
    log_p, groups = given.logits[..., 1], list(given.group)
    for allowed in (0.0, 0.03, 0.1, 0.35, 2.0):
        found = threshold(log_p, given.target, groups, allowed)
        steps = torch.cat([log_p[given.target == 1], torch.zeros(1)])
        kept = [
            float(step)
            for step in steps
            if group_mean(missed_share(log_p >= step, given.target), groups) <= allowed + 1e-9
        ]
        assert found == pytest.approx(max(kept))


def group_mean(values: Tensor, groups: list[str]) -> float:
    names = sorted(set(groups))
    rows = [
        [value for value, of in zip(values.tolist(), groups, strict=True) if of == name]
        for name in names
    ]
    return float(np.mean([np.mean(one) for one in rows]))


def test_risk_control_misses_as_many_present_labels_as_promised_in_the_mean() -> None:
    missed = []
    for seed in range(60):
        given, new = validation(seed, rows=80), validation(1000 + seed, rows=80)
        hook = fitted("risk_control", given, alpha=0.2)
        chosen = predicted(hook, new.logits).extras["in_set"]
        missed.append(group_mean(missed_share(chosen, new.target), list(new.group)))
    assert np.mean(missed) <= 0.2 + 2 * np.std(missed) / math.sqrt(60)
    assert np.mean(missed) >= 0.14


def test_too_few_groups_keep_every_label_and_say_so() -> None:
    hook = fitted("risk_control", validation(rows=10), alpha=0.1)
    assert "fewer than the 9" in hook.notes[0]
    assert predicted(hook, validation().logits).extras["in_set"].all()


def test_risk_control_measures_by_group_and_says_how_many_rows_have_no_label() -> None:
    given = validation(4)
    hook = fitted("risk_control", given)
    found = hook.measure(predicted(hook, given.logits), given.target, given.group)
    per_group = found["share missed per group"]
    assert isinstance(per_group, Interval)
    assert per_group.low < per_group.value < per_group.high
    without = (given.target != 1).all(dim=1).double().mean()
    assert found["rows without a present label"] == pytest.approx(float(without))
    assert str(found["promise"]).startswith("not broken")


@pytest.mark.parametrize("rule", ["youden", "sensitivity_95"])
def test_thresholds_are_those_of_the_scores(rule: str) -> None:
    given = validation(5)
    probs = given.logits[..., 1].double().exp()
    hook = fitted("thresholds", given, rule=rule)
    found = choose_thresholds(probs.numpy(), given.target.numpy(), rule)
    chosen = torch.tensor(found, dtype=torch.float64)
    assert predicted(hook, given.logits).extras["present"].equal(probs >= chosen)


def test_prior_correction_is_bayes_rule_for_each_label() -> None:
    given = validation(6)
    even = replace(given, prior=torch.full((LABELS, 2), 0.5))
    found = predicted(fitted("prior_correction", even), given.logits).log_probs.exp()
    shares = given.class_counts[:, :2] / given.class_counts[:, :2].sum(dim=1, keepdim=True)
    joint = given.logits.exp() * shares
    torch.testing.assert_close(found, joint / joint.sum(dim=-1, keepdim=True))


def test_views_are_mixed_label_by_label() -> None:
    views = torch.stack([validation(seed).logits for seed in range(3)], dim=1)  # [n, V, L, 2]
    weights = torch.tensor([0.2, 0.3, 0.5])
    wanted = torch.einsum("nvlc,v->nlc", views.exp(), weights)
    torch.testing.assert_close(combined(views, "mean_prob", weights).exp(), wanted)
    for how in ("mean_logit", "max"):
        total = combined(views, how, weights).exp().sum(dim=-1)
        torch.testing.assert_close(total, torch.ones_like(total))
    target = validation(0).target
    learned = mixture_weights(views.movedim(1, -2)[target >= 0], target[target >= 0])
    assert learned.argmax() == 0  # the view that was drawn with the target


def test_selective_asks_each_label_on_its_own() -> None:
    given = validation(7)
    hook = fitted("selective", given, level=0.6)
    found = predicted(hook, given.logits).extras["accepted"]
    for label in range(LABELS):
        known = given.target[:, label] >= 0
        assert float(found[known, label].double().mean()) == pytest.approx(0.6, abs=0.01)
    risk = fitted("selective", given, target="risk", level=0.3)
    measured = risk.measure(predicted(risk, given.logits), given.target, given.group)
    assert measured["promise"] == "not broken"
    assert "of 3 labels" in risk.notes[0]


def test_selective_measures_confidence_from_the_threshold_of_each_label() -> None:
    given = validation(7)
    p = given.logits[..., 1].double().exp()
    t = torch.tensor(choose_thresholds(p.numpy(), given.target.numpy()), dtype=torch.float64)
    hook = fitted("selective", given, level=0.6)
    found = predicted(hook, given.logits)
    torch.testing.assert_close(found.extras["confidence"], (p - t).abs())
    measured = hook.measure(found, given.target, given.group)
    known = given.target >= 0
    kept = known & found.extras["accepted"]
    wrong = ((p >= t) != (given.target == 1))[kept].double().mean()
    risk = measured["risk of accepted"]
    assert isinstance(risk, Interval)
    assert risk.value == pytest.approx(float(wrong))
    assert (t - 0.5).abs().max() > 0.2  # far from the answers of 1/2
    entropy = mmx.Plugins().find("inference", "selective").model_validate({"score": "neg_entropy"})
    assert "use max_prob" in entropy.misfit("multi_label")
    assert entropy.misfit("ordinal") == ""


def test_rows_are_not_weighed_for_labels() -> None:
    weighted = mmx.Plugins().find("sampler", "weighted")
    assert not weighted.fits("multi_label")
    assert "class_balanced_bce" in weighted.instead["multi_label"]
    assert mmx.Plugins().find("sampler", "shuffle").fits("a task of another package")
