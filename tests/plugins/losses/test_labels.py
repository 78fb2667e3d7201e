"""Losses of several labels: formulas by plain torch, limits, unknown labels, constants."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

import mmx
from mmx import LossParams, Outputs

COUNTS = torch.tensor([[600, 300, 100], [900, 50, 50], [10, 40, 950], [500, 500, 0]])
G = torch.Generator().manual_seed(3)
LOGITS = 2 * torch.randn(60, 4, generator=G, dtype=torch.float64)
TARGET = torch.randint(-1, 2, (60, 4), generator=G)
KNOWN, PRESENT = TARGET >= 0, TARGET == 1
PER_ROW = (900 + 950 + 50 + 1000) / 1000
NAMES = ("bce", "focal_bce", "asymmetric", "class_balanced_bce", "logit_adjusted_bce")


def params(name: str, **settings: Any) -> LossParams:
    found = mmx.Plugins().find("loss", name).model_validate(settings)
    assert isinstance(found, LossParams)
    return found


def total(name: str, logits: Tensor = LOGITS, target: Tensor = TARGET, **settings: Any) -> Tensor:
    loss = params(name, **settings).build(COUNTS[: logits.shape[1]])
    return loss(Outputs(logits), target, 0.0).total


def mean(each: Tensor) -> Tensor:
    """Over known labels, by hand."""
    rows = [each[i, label] for i in range(60) for label in range(4) if KNOWN[i, label]]
    return torch.stack(rows).sum() / (60 * PER_ROW)


def entropy(logits: Tensor = LOGITS) -> Tensor:
    """Binary cross-entropy of each label, by torch."""
    return F.binary_cross_entropy_with_logits(logits, PRESENT.double(), reduction="none")


def test_bce_is_torch_s_over_the_known_labels_of_a_mean_training_row() -> None:
    torch.testing.assert_close(total("bce"), mean(entropy()))


def test_bce_by_label_lets_each_label_count_alike() -> None:
    share = torch.tensor([0.9, 0.95, 0.05, 1.0]).double()
    wanted = (entropy() * KNOWN / share).sum() / (4 * 60)
    torch.testing.assert_close(total("bce", reduction="label"), wanted)


def test_focal_is_the_published_formula() -> None:
    p = LOGITS.sigmoid()
    right = torch.where(PRESENT, p, 1 - p)
    torch.testing.assert_close(
        total("focal_bce", gamma=1.7), mean((1 - right) ** 1.7 * -right.log())
    )


def test_asymmetric_is_the_published_formula() -> None:
    p = LOGITS.sigmoid()
    q = (p - 0.05).clamp(min=0)
    each = torch.where(PRESENT, -(1 - p) * p.log(), -(q**4) * (1 - q).log())
    torch.testing.assert_close(total("asymmetric", gamma_positive=1), mean(each))


def test_asymmetric_leaves_absent_labels_that_are_easy_alone() -> None:
    logits = torch.tensor([[-3.5, 1.0, 1.0, -4.0]], requires_grad=True)
    target = torch.tensor([[0, 0, 1, 1]])
    total("asymmetric", logits, target).backward()
    assert logits.grad is not None
    assert (logits.grad[0] != 0).tolist() == [False, True, True, True]


def test_class_balanced_weighs_presence_and_absence_alike() -> None:
    pi = (COUNTS[:, 1] + 0.5).double() / (COUNTS[:, :2].sum(dim=1) + 1)
    weights = torch.where(PRESENT, 1 / (2 * pi), 1 / (2 * (1 - pi)))
    torch.testing.assert_close(
        total("class_balanced_bce", cap=1e9), mean(weights * entropy()), rtol=1e-6, atol=1e-8
    )
    largest = params("class_balanced_bce", cap=3).build(COUNTS).weights.max()  # type: ignore[union-attr]
    assert largest == 3


def test_logit_adjusted_adds_the_prevalence_while_training() -> None:
    pi = (COUNTS[:, 1] + 0.5).double() / (COUNTS[:, :2].sum(dim=1) + 1)
    wanted = mean(entropy(LOGITS + 0.7 * (pi / (1 - pi)).log()))
    torch.testing.assert_close(total("logit_adjusted_bce", tau=0.7), wanted, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    ("name", "settings", "other", "others"),
    [
        ("focal_bce", {"gamma": 0}, "bce", {}),
        ("asymmetric", {"gamma_positive": 0, "gamma_negative": 0, "clip": 0}, "bce", {}),
        (
            "asymmetric", {"gamma_positive": 2, "gamma_negative": 2, "clip": 0}, "focal_bce",
            {"gamma": 2},
        ),
        ("logit_adjusted_bce", {"tau": 0}, "bce", {}),
    ],
)  # fmt: skip
def test_it_becomes_a_simpler_loss_in_a_limit(
    name: str, settings: dict[str, Any], other: str, others: dict[str, Any]
) -> None:
    torch.testing.assert_close(total(name, **settings), total(other, **others))


def test_one_label_that_is_always_known_is_the_cross_entropy_of_two_classes() -> None:
    target = PRESENT[:, :1].long()
    loss = params("bce").build(torch.tensor([[700, 300, 0]]))
    wanted = F.cross_entropy(torch.cat([torch.zeros(60, 1), LOGITS[:, :1]], dim=1), target[:, 0])
    torch.testing.assert_close(loss(Outputs(LOGITS[:, :1]), target, 0.0).total, wanted)


def test_it_starts_at_the_logarithm_of_two_for_known_labels() -> None:
    start = total("bce", torch.zeros(60, 4), TARGET)
    assert float(start) == pytest.approx(math.log(2) * KNOWN.sum().item() / 60 / PER_ROW)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [1.0, 1e4])
def test_unknown_labels_have_a_gradient_of_exactly_zero(name: str, size: float) -> None:
    logits = (size * LOGITS.float()).requires_grad_()
    total(name, logits).backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    assert (logits.grad[~KNOWN] == 0).all()
    assert (logits.grad[KNOWN] != 0).any()


@pytest.mark.parametrize("name", NAMES)
def test_accumulated_gradients_are_those_of_the_whole_batch(name: str) -> None:
    whole, parts = LOGITS.clone().requires_grad_(), LOGITS.clone().requires_grad_()
    total(name, whole).backward()
    for rows in (slice(0, 7), slice(7, 8), slice(8, 60)):
        share = (rows.stop - rows.start) / 60
        (share * total(name, parts[rows], TARGET[rows])).backward()
    torch.testing.assert_close(parts.grad, whole.grad)


@pytest.mark.parametrize("gamma", [0.3, 0.5, 1.0])
def test_no_focus_has_an_infinite_slope(gamma: float) -> None:
    logits = torch.tensor([[1e4, -1e4, 0.0, -60.0]] * 3, requires_grad=True)
    target = torch.tensor([[1, 0, 1, 1], [0, 1, 0, 0], [1, 1, -1, -1]])
    settings = {"gamma_positive": gamma, "gamma_negative": gamma}
    for value in (
        total("focal_bce", logits, target, gamma=gamma),
        total("asymmetric", logits, target, **settings),
    ):
        (slope,) = torch.autograd.grad(value, logits)
        assert value.isfinite()
        assert slope.isfinite().all()


@pytest.mark.parametrize(("name", "tau"), [("logit_adjusted_bce", 1.0), ("class_balanced_bce", 0)])
def test_balanced_answers_are_for_a_prevalence_of_a_half(name: str, tau: float) -> None:
    prior = params(name).build(COUNTS).prior(COUNTS)
    assert prior[[0, 1, 3]].sum(dim=1).tolist() == pytest.approx([1, 1, 1])
    assert prior[[0, 1, 3], 1].tolist() == pytest.approx([0.5] * 3, abs=0.003)
