"""Studies of several labels and of ordered levels."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from mmx.interfaces import TaskParams
from mmx.study import gather
from mmx.study.comparing import TestPart as Part  # pytest would take the name for a test
from mmx.study.gather import Answers, stacked
from mmx_plugins.tasks.multi_label import MultiLabelParams
from mmx_plugins.tasks.ordinal import OrdinalParams

NAMES = ["edema", "effusion"]
ROWS = 120


def table(seed: int, noise: float) -> pd.DataFrame:
    """Predictions of two labels as a run writes them; every tenth is unknown."""
    truth = (np.random.default_rng(0).random((ROWS, 2)) < [0.4, 0.3]).astype(float)
    unknown = np.random.default_rng(1).random((ROWS, 2)) < 0.1
    logits = 2 * truth - 1 + noise * np.random.default_rng(seed).normal(size=(ROWS, 2))
    known = np.where(unknown, np.nan, truth)
    names = {"edema": 0, "effusion": 1}
    words = [None if all(cells) else "said" for cells in unknown.tolist()]
    return pd.DataFrame({
        "sample": [f"s{row:03}" for row in range(ROWS)],
        "group": [f"p{row // 2}" for row in range(ROWS)],
        "part": "test",
        "label": words,
        "predicted": "said",
        **{f"label_{name}": known[:, at] for name, at in names.items()},
        **{f"p_{name}": 1 / (1 + np.exp(-logits[:, at])) for name, at in names.items()},
    })  # fmt: skip


def answers(seed: int, noise: float) -> Answers:
    return stacked([gather.test_rows([table(seed + one, noise)]) for one in (0, 10)], (0, 1), ())


def part(task: TaskParams, names: list[str], answered: dict[str, Answers]) -> Part:
    built, metric = task.build(names), next(iter(task.compares))
    return Part(next(iter(answered)), built, task.compares, answered, {}, metric)


def test_labels_are_compared_on_their_probabilities() -> None:
    both = {"good": answers(2, 0.8), "bad": answers(3, 3.0)}
    found = part(MultiLabelParams(), NAMES, both).compared(["bad"], {})
    assert list(found.contrasts) == ["macro_auroc", "macro_average_precision"]
    (contrast,) = found.contrasts["macro_auroc"]
    assert contrast.direction < 0
    areas = [areas_of(table(2 + one, 0.8)) for one in (0, 10)]
    assert found.scores["macro_auroc"]["good"].value == pytest.approx(np.mean(areas))


def areas_of(one: pd.DataFrame) -> list[float]:
    known = {name: one[one[f"label_{name}"].notna()] for name in NAMES}
    return [roc_auc_score(of[f"label_{name}"], of[f"p_{name}"]) for name, of in known.items()]


def test_each_label_has_its_auroc_and_no_confidence() -> None:
    found, task = answers(2, 0.8), MultiLabelParams().build(NAMES)
    broken = task.breakdown(found.given, found.truths)
    assert broken is not None
    areas = np.mean([areas_of(table(2 + one, 0.8)) for one in (0, 10)], axis=0)
    assert broken.values == pytest.approx(dict(zip(NAMES, areas, strict=True)))
    assert not task.reliability(found.given, found.truths)


def test_levels_are_compared_in_their_order() -> None:
    levels = ["none", "mild", "severe"]
    rng = np.random.default_rng(0)
    truth = rng.integers(3, size=ROWS)
    given = {name: np.clip(truth + rng.integers(-1, 2, ROWS) * (rng.random(ROWS) < share), 0, 2)
             for name, share in (("a", 0.2), ("b", 0.9))}  # fmt: skip
    tables = {
        name: pd.DataFrame({
            "sample": [f"s{row:03}" for row in range(ROWS)],
            "group": [f"p{row // 2}" for row in range(ROWS)],
            "label": np.array(levels)[truth],
            "predicted": np.array(levels)[of],
        })
        for name, of in given.items()
    }  # fmt: skip
    answered = {name: stacked([one], (0,), ()) for name, one in tables.items()}
    found = part(OrdinalParams(levels=tuple(levels)), levels, answered).compared(["b"], {})
    for name, of in given.items():
        kappa = cohen_kappa_score(truth, of, weights="quadratic")
        error = np.mean([np.abs(of - truth)[truth == level].mean() for level in range(3)])
        assert found.scores["quadratic_kappa"][name].value == pytest.approx(kappa)
        assert found.scores["macro_absolute_error"][name].value == pytest.approx(error)
    (by_error,), (by_kappa,) = (
        found.contrasts[metric] for metric in ("macro_absolute_error", "quadratic_kappa")
    )
    assert by_error.difference.value > 0 > by_kappa.difference.value
    assert by_error.direction == by_kappa.direction == -1
    assert by_error.verdict == "erred more on these rows"
