"""Studies of several labels and of ordered levels."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from mmx.study import comparing, gather
from mmx.study.comparing import shown
from mmx.study.gather import Answers, sensitivities, stacked

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


def test_labels_are_compared_on_their_probabilities() -> None:
    both = {"good": answers(2, 0.8), "bad": answers(3, 3.0)}
    part = comparing.TestPart("good", ["edema", "effusion"], both, {})
    found = part.compared(["bad"], {}, metrics=shown("macro_auroc"))
    assert list(found.contrasts) == ["macro_auroc", "macro_average_precision"]
    (contrast,) = found.contrasts["macro_auroc"]
    assert contrast.direction < 0
    own = both["good"].labelled
    assert own is not None
    areas = []
    for probs in own.probs:
        for label in range(2):
            known = own.target[:, label] >= 0
            areas.append(roc_auc_score(own.target[known, label], probs[known, label]))
    assert found.scores["macro_auroc"]["good"].value == pytest.approx(np.mean(areas))


def test_labels_have_no_sensitivity_of_a_class_and_no_confidence() -> None:
    found = answers(2, 0.8)
    assert sensitivities(found, ["edema", "effusion"]) == {}
    assert not len(found.confidence)


def test_levels_are_compared_on_kappa_in_their_order() -> None:
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
    found = comparing.TestPart(
        "a", levels, {k: stacked([t], (0,), ()) for k, t in tables.items()}, {}
    )
    metrics = shown("quadratic_kappa")
    assert metrics == ("quadratic_kappa", "balanced_accuracy", "macro_f1", "accuracy")
    scores = found.compared(["b"], {}, metrics=metrics).scores["quadratic_kappa"]
    for name, of in given.items():
        wanted = cohen_kappa_score(truth, of, weights="quadratic")
        assert scores[name].value == pytest.approx(wanted)
