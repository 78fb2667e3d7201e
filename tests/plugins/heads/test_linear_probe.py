"""Laws of head.linear_probe: it starts as the regularised linear model, and moves from there."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from torch.nn.functional import cross_entropy

from mmx import Features
from mmx.evaluation import PROBE_STRENGTHS
from mmx.interfaces import HeadRows
from mmx_plugins.heads.linear_probe import LinearProbe, LinearProbeParams

DIM, CLASSES = 12, 3


def drawn(rows: int, seed: int) -> tuple[Tensor, Tensor]:
    """Features on odd scales, of which the last never changes, and classes of odd sizes."""
    draws = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, DIM, generator=draws, dtype=torch.float64)
    noise = torch.randn(rows, CLASSES, generator=draws, dtype=torch.float64)
    y = (x[:, :CLASSES] + noise + torch.tensor([1.0, 0.0, 0.0])).argmax(1)
    x = 3 * x + 5
    x[:, -1] = 2
    return x, y


def rows(wanted: float | None = None, validation: int = 40) -> tuple[HeadRows, list[float]]:
    """Rows to fit to; the strength ``wanted`` is the best on validation. Also what was asked."""
    (x, y), (asked, _) = drawn(120, 1), drawn(validation, 2)
    weights = torch.bincount(y).double().reciprocal()[y]
    weights /= weights.mean()
    told: list[float] = []

    def loss(raw: Tensor) -> Tensor:
        return (weights * cross_entropy(raw, y, reduction="none")).mean()

    def quality(raw: Tensor) -> float:
        told.append(-abs(len(told) - PROBE_STRENGTHS.index(wanted or PROBE_STRENGTHS[0])))
        return told[-1]

    return HeadRows(x, asked, loss, quality), told


def answers(head: LinearProbe, x: Tensor) -> Tensor:
    given: Tensor = head.eval().double()(Features.of_pooled(x)).logits
    return given.softmax(-1).detach()


@pytest.mark.parametrize("strength", PROBE_STRENGTHS)
@pytest.mark.parametrize("hidden", [None, 8])
def test_it_starts_as_balanced_logistic_regression(strength: float, hidden: int | None) -> None:
    given, _ = rows(strength)
    head = LinearProbeParams(hidden=hidden).build(DIM, CLASSES).double()
    head.fit(given)
    x, y = drawn(120, 1)
    mean, spread = x.mean(0), x.std(0, correction=0).clamp(min=1e-6)
    reference = LogisticRegression(
        C=strength, class_weight="balanced", tol=1e-10, max_iter=100_000
    ).fit((x - mean) / spread, y)
    new, _ = drawn(50, 3)
    expected = reference.predict_proba((new - mean) / spread)
    np.testing.assert_allclose(answers(head, new), expected, atol=1e-6)


def test_the_search_ends_after_two_strengths_that_are_no_better() -> None:
    given, told = rows(PROBE_STRENGTHS[1])
    LinearProbeParams().build(DIM, CLASSES).fit(given)
    assert told == [-1, 0, -1, -2]


def test_without_validation_rows_the_strongest_penalty_stays() -> None:
    none, some = (LinearProbeParams(hidden=None).build(DIM, CLASSES).double() for _ in range(2))
    given, told = rows(PROBE_STRENGTHS[-1], validation=0)
    none.fit(given)
    assert not told
    some.fit(rows(PROBE_STRENGTHS[0])[0])
    torch.testing.assert_close(none.state_dict(), some.state_dict())


def test_the_hidden_layer_is_silent_and_learns() -> None:
    head = LinearProbeParams(hidden=8, dropout=0).build(DIM, CLASSES)
    given, _ = rows()
    head.fit(given)
    x, y = drawn(120, 1)
    read = Features.of_pooled(x.float())
    z = (x.float() - head.mean) / head.spread
    torch.testing.assert_close(head(read).logits, head.probe(z), rtol=0, atol=0)
    steps = torch.optim.SGD(head.parameters(), lr=0.1)
    for _ in range(2):
        steps.zero_grad()
        torch.autograd.backward(cross_entropy(head(read).logits, y))
        steps.step()
    assert all(one.grad is not None and one.grad.any() for one in head.parameters())


def test_it_is_what_core_fits() -> None:
    assert LinearProbe.fits_first
