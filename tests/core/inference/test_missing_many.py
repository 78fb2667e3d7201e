"""The report on missing modalities for one to six of them, on a model whose answers are known."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from mmx.inference.missing import predict_missing, shares_of_case
from mmx.inference.placeholders import Placeholders
from mmx.interfaces import Batch, Prediction, Texts
from mmx_plugins.tasks.single_label import SingleLabel

NAMES = ("dermoscopy", "clinic", "history", "record", "ecg", "notes")
TASK = SingleLabel("abc")
ROWS, PRIOR = 9, Placeholders(TASK.guess(torch.tensor([2.0, 1.0, 1.0])))


class Additive:
    """Logits of the prior and one row for each modality that is there; the last adds nothing."""

    def __init__(self, many: int) -> None:
        self.names = NAMES[:many]
        drawn = torch.Generator().manual_seed(many)
        self.worth = torch.randn(ROWS, many, 3, generator=drawn)
        if many > 1:
            self.worth[:, -1] = 0
        self.model = SimpleNamespace(used=self.names, eval=lambda: None)
        self.task, self.asked = TASK, 0

    def batch(self, rows: Any) -> tuple[Batch, Tensor]:
        ids = torch.tensor(list(rows))[:, None]
        here = torch.ones(len(ids), len(self.names), dtype=torch.bool)
        here[:, 0] = ids[:, 0] != 0  # row 0 has no first modality to begin with
        one = Texts(ids, torch.ones_like(ids, dtype=torch.bool))
        return Batch(dict.fromkeys(self.names, one), here), ids[:, 0]

    def __len__(self) -> int:
        return ROWS

    def encoded(self, batch: Batch, names: Any) -> Batch:
        return batch

    def plain(self, batch: Batch) -> Prediction:
        self.asked += 1
        rows = batch.inputs[self.names[0]].ids[:, 0]  # type: ignore[attr-defined]
        logits = PRIOR.answer + (self.worth[rows] * batch.present[..., None]).sum(dim=1)
        return Prediction(logits.log_softmax(dim=1))


def missing(many: int) -> tuple[Any, Additive]:
    known = Additive(many)
    return predict_missing(known, known, 4, PRIOR), known  # type: ignore[arg-type]


def test_one_modality_has_no_such_report() -> None:
    assert missing(1)[0] is None


@pytest.mark.parametrize("many", [2, 3, 6])
def test_shares_add_up_and_what_changes_nothing_has_none(many: int) -> None:
    found, known = missing(many)
    names = known.names
    whole = next(iter(found.arms.values())).exp()
    answer = whole.argmax(dim=1, keepdim=True)
    prior = PRIOR.answer.exp()[answer[:, 0]]
    total = torch.stack([found.shares.values[name] for name in names]).sum(dim=0)
    torch.testing.assert_close(total, whole.gather(1, answer)[:, 0] - prior)
    assert abs(float(found.shares.values[names[0]][0])) < 1e-6  # it was not there to begin with
    torch.testing.assert_close(found.shares.values[names[-1]], torch.zeros(ROWS), atol=1e-6, rtol=0)
    assert bool(found.shares.errors) == (many > 5)


@pytest.mark.parametrize("many", [3, 6])
def test_a_modality_that_a_model_ignores_changes_no_arm(many: int) -> None:
    found, known = missing(many)
    last, whole = known.names[-1], next(iter(found.arms.values()))
    for name in (f"without {last}", *(f"{last} missing in {rate}%" for rate in (25, 50, 75))):
        torch.testing.assert_close(found.arms[name], whole)


def test_arms_of_two_and_of_three_are_named_in_words() -> None:
    two = [name for name in missing(2)[0].arms if " in " not in name]
    assert two == ["dermoscopy and clinic", "dermoscopy only", "clinic only", "neither"]
    three = [name for name in missing(3)[0].arms if " in " not in name]
    assert three == [
        "dermoscopy, clinic and history", "dermoscopy only", "clinic only", "history only",
        "without dermoscopy", "without clinic", "without history", "none",
    ]  # fmt: skip


def test_the_shares_of_a_case_are_those_of_its_row() -> None:
    found, known = missing(3)
    for row in range(ROWS):
        shares = shares_of_case(known, known.batch([row])[0], PRIOR).values  # type: ignore[arg-type]
        for name in known.names:
            torch.testing.assert_close(shares[name][0], found.shares.values[name][row])
        whole = next(iter(found.arms.values()))[row].exp().max()
        torch.testing.assert_close(torch.stack(list(shares.values())).sum(), whole)
