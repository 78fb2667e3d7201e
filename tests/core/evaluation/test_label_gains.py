"""Gains of blocks in closed form are those of exchanging their answers one after the other."""

import numpy as np
import pytest
import torch

from mmx.evaluation import label_gains, quick_labels
from mmx.training.exchange import exchanged_gains


@pytest.mark.parametrize("name", ["macro_auroc", "brier", "nll"])
@pytest.mark.parametrize("ties", [False, True])
def test_they_are_those_of_exchanged_answers(name: str, ties: bool) -> None:
    rng = np.random.default_rng(3)
    target = rng.integers(-1, 2, size=(90, 5))
    target[:, 4] = np.minimum(target[:, 4], 0)  # a label that is never there has no area
    raw = rng.normal(size=(2, 90, 5)) + 0.5 * target
    raw = torch.from_numpy(raw.round() if ties else raw)
    kept, new = torch.stack([-raw, raw], -1).log_softmax(-1)
    block = torch.arange(90) // 6
    sign = 1 if name == "macro_auroc" else -1
    expected = exchanged_gains(
        lambda answers: sign * quick_labels(answers.numpy(), target)[name], kept, new, block
    )
    found = label_gains(name, kept.numpy(), new.numpy(), target, block.numpy())
    assert found is not None
    np.testing.assert_allclose(found, expected, atol=1e-12, rtol=0)
    scores = [quick_labels(one.numpy(), target)[name] for one in (kept, new)]
    assert found.sum() == pytest.approx(sign * (scores[1] - scores[0]), abs=1e-12)


def test_an_average_precision_has_no_such_form() -> None:
    one = np.log(np.full((4, 1, 2), 0.5))
    assert (
        label_gains("macro_average_precision", one, one, np.ones((4, 1), int), np.arange(4)) is None
    )
