"""Laws of loss.ldam."""

import torch
from torch.nn import functional as F

from mmx import Outputs
from mmx_plugins.losses.ldam import LdamParams

# nv, mel, bkl, bcc, akiec, vasc, df
HAM10000 = torch.tensor([6705, 1113, 1099, 514, 327, 142, 115])
COSINES = torch.rand(9, 7, generator=torch.Generator().manual_seed(0)) * 2 - 1
TARGET = torch.tensor([0, 1, 2, 3, 4, 5, 6, 0, 0])


def score(progress: float, **settings: object) -> torch.Tensor:
    loss = LdamParams.model_validate(settings).build(HAM10000)
    return loss(Outputs(COSINES), TARGET, progress).total


def test_has_the_published_margins_on_ham10000() -> None:
    margins = LdamParams().build(HAM10000).margins
    torch.testing.assert_close(margins[0], torch.tensor(0.181), atol=5e-4, rtol=0)
    torch.testing.assert_close(margins[6], torch.tensor(0.5))
    assert torch.equal(margins, margins.sort().values)


def test_equals_the_formula_with_the_scale_after_the_margin() -> None:
    margins = 0.5 * (HAM10000 / 115.0) ** -0.25
    moved = COSINES.clone()
    for row, label in enumerate(TARGET.tolist()):
        moved[row, label] -= margins[label]
    torch.testing.assert_close(score(0.0), F.cross_entropy(30 * moved, TARGET))


def test_without_margin_it_is_the_cross_entropy_of_scaled_cosines() -> None:
    expected = F.cross_entropy(30 * COSINES, TARGET)
    torch.testing.assert_close(score(0.5, margin=0), expected)


def test_weights_are_exactly_one_before_the_switch_and_class_balanced_after() -> None:
    assert torch.equal(score(0.799), score(0.0))
    raw = torch.tensor([(1 - 0.9999) / (1 - 0.9999 ** int(n)) for n in HAM10000])
    each = F.cross_entropy(30 * COSINES, TARGET, reduction="none")
    expected = ((7 * raw / raw.sum())[TARGET] * each).mean()
    torch.testing.assert_close(score(0.8, margin=0), expected, rtol=1e-4, atol=0)


def test_predictions_are_made_from_scaled_cosines() -> None:
    assert torch.equal(LdamParams(scale=20).build(HAM10000).adjust(COSINES), 20 * COSINES)
