"""Boosting of any task's own loss against LightGBM's own objectives, and what it reads."""

import sys
from dataclasses import replace

import lightgbm
import numpy as np
import pytest
import torch
from torch import Tensor

from mmx.errors import MissingExtraError, SettingsError
from mmx.interfaces import Record, TargetRows
from mmx.testing import check
from mmx_plugins.baselines._gradient_boosting import TaskObjective
from mmx_plugins.baselines.gradient_boosting import GradientBoostingParams
from mmx_plugins.tasks.multi_label import MultiLabel
from mmx_plugins.tasks.single_label import SingleLabel

ROWS = 160
PARAMS = GradientBoostingParams(rounds=12, patience=12, leaves=4, smallest_leaf=5)


def records(seed: int = 0) -> list[Record]:
    draw = np.random.default_rng(seed)
    return [{"age": float(draw.normal()), "size": float(draw.normal())} for _ in range(ROWS)]


def rows_of(target: Tensor, seed: int = 0) -> TargetRows:
    return TargetRows(records(seed), target, torch.ones(ROWS, dtype=torch.float64))


def classes(given: list[Record], many: int, noise: float = 0.0) -> Tensor:
    """By age, with noise: without it splits tie, and rounding chooses among them."""
    score = torch.tensor([float(str(one["age"])) for one in given])
    score = score + noise * torch.randn(len(given), generator=torch.Generator().manual_seed(0))
    return torch.bucketize(score, torch.linspace(-1, 1, many - 1)).long()


def native(given: list[Record], label: Tensor, start: np.ndarray, **more: object) -> np.ndarray:
    """Raw scores of LightGBM's own objective after 12 rounds, grown from the same start."""
    table = np.array([[one["age"], one["size"]] for one in given], dtype=float)
    mean, sd = table.mean(0), table.std(0)
    table = ((table - mean) / sd).astype(np.float32).astype(float)
    data = lightgbm.Dataset(table, label.numpy(), init_score=start, params={"verbosity": -1})
    settings = {
        "learning_rate": 0.05, "num_leaves": 4, "min_data_in_leaf": 5, "verbosity": -1,
        "boost_from_average": False, "force_row_wise": True, "num_threads": 1, **more,
    }  # fmt: skip
    return np.asarray(lightgbm.train(settings, data, 12).predict(table, raw_score=True))


def test_several_labels_are_lightgbm_binary_for_each() -> None:
    given = records()
    target = torch.stack([classes(given, 2, noise=1.0), torch.arange(ROWS) % 2], dim=1)
    rows = rows_of(target)
    task = MultiLabel(("a", "b"), "ignore", {})
    found = PARAMS.build().answers(task, rows, rows, given, {}).log_probs
    logits = found[..., 1] - found[..., 0]
    share = target.double().mean(0)
    start = torch.log(share / (1 - share)).numpy()
    for label in range(2):
        own = native(given, target[:, label], np.full(ROWS, start[label]), objective="binary")
        np.testing.assert_allclose(logits[:, label], own + start[label], atol=1e-5)


def test_classes_are_lightgbm_multiclass_but_for_its_factor_of_the_curvature() -> None:
    """LightGBM divides a leaf by K / (K - 1) times the diagonal; its rate is raised to match."""
    given, many = records(), 3
    target = classes(given, many, noise=1.0)
    rows, task = rows_of(target), SingleLabel(("a", "b", "c"))
    found = PARAMS.build().answers(task, rows, rows, given, {}).log_probs
    start = torch.bincount(target).double().div(ROWS).log().numpy()
    own = native(
        given, target, np.tile(start, (ROWS, 1)), objective="multiclass", num_class=many,
        learning_rate=0.05 * many / (many - 1),
    )  # fmt: skip
    expected = torch.from_numpy(own + start).log_softmax(1)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_one_output_is_that_of_one_label_alone() -> None:
    """Warnings are errors here: LightGBM has one for a start of one column."""
    given = records()
    target = torch.stack([classes(given, 2, noise=1.0), torch.arange(ROWS) % 2], dim=1)
    found = [
        PARAMS.build()
        .answers(MultiLabel(names, "ignore", {}), rows, rows, given, {})
        .log_probs[:, 0]
        for names, rows in ((("a", "b"), rows_of(target)), (("a",), rows_of(target[:, :1])))
    ]
    torch.testing.assert_close(found[0], found[1], atol=1e-5, rtol=0)


def test_a_blank_label_pulls_at_nothing() -> None:
    target = torch.tensor([[1, -1], [0, 1]])
    task = MultiLabel(("a", "b"), "ignore", {})
    objective = TaskObjective(task, task.link(), target, torch.ones(2, dtype=torch.float64))
    slope, curvature = objective.derivatives(np.array([[0.3, 5.0], [0.1, -2.0]]))
    assert slope[0, 1] == 0
    assert curvature[0, 1] < 1e-5
    assert slope[0, 0] == pytest.approx(1 / (1 + np.exp(-0.3)) - 1)


def test_rounds_are_those_of_the_least_loss_on_validation() -> None:
    given, other = records(), records(seed=1)
    noise = torch.arange(ROWS) % 2  # nothing to learn of
    task = SingleLabel(("a", "b"))
    train, validation = rows_of(noise), rows_of(noise, seed=1)
    found = (
        GradientBoostingParams(smallest_leaf=2).build().answers(task, train, validation, other, {})
    )
    assert int(found.note.split()[0]) < 20
    told = rows_of(classes(given, 2))
    seen = (
        GradientBoostingParams(smallest_leaf=2, patience=5)
        .build()
        .answers(task, told, replace(told, records=other, target=classes(other, 2)), other, {})
    )
    assert int(seen.note.split()[0]) > 20
    assert float((seen.log_probs.argmax(1) == classes(other, 2)).double().mean()) > 0.95


def test_a_category_that_training_never_saw_and_a_missing_cell_are_answered() -> None:
    given: list[Record] = [{"site": ("arm", "leg", "ear")[row % 3]} for row in range(ROWS)]
    target = torch.arange(ROWS) % 3
    rows = TargetRows(given, target, torch.ones(ROWS, dtype=torch.float64))
    asked: list[Record] = [{"site": "arm"}, {"site": "nose"}, {"site": None}, {}]
    found = PARAMS.build().answers(SingleLabel(("a", "b", "c")), rows, rows, asked, {}).log_probs
    assert int(found[0].argmax()) == 0
    assert bool(found.isfinite().all())
    torch.testing.assert_close(found[2], found[3])


def test_an_excluded_field_is_not_read_and_must_not_be_named() -> None:
    rows, task = rows_of(torch.arange(ROWS) % 2), SingleLabel(("a", "b"))
    found = PARAMS.build().answers(task, rows, rows, records(), {"age": "it tells the label"})
    assert found.note.endswith("it reads size; not read: age")
    named = GradientBoostingParams(columns=("age",)).build()
    with pytest.raises(SettingsError, match="must not read 'age': it tells the label"):
        named.answers(task, rows, rows, records(), {"age": "it tells the label"})


def test_without_its_library_it_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'mmx\[tabular\]'"):
        PARAMS.build()


def test_it_keeps_the_laws_of_a_baseline() -> None:
    assert [one for one in check(GradientBoostingParams) if one.status != "passed"] == []
