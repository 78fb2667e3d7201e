"""Laws of what is minimised."""

from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy

from mmx.errors import ShapeError
from mmx.interfaces import Outputs
from mmx.training.modality_dropout import ModalityDropout, drop_modalities
from mmx.training.objective import Objective, auxiliary_weights, inverse_frequency

TARGET = torch.tensor([0, 0, 0, 2, 1, 2])
LOGITS = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))


def test_penalties_and_auxiliary_terms_are_added(tiny: Any) -> None:
    lesion = LOGITS.flip(1)
    outputs = Outputs(LOGITS, {"lesion": lesion}, penalties={"balance": torch.tensor(0.25)})
    value = Objective(tiny.Plain(), {"lesion": 0.3})(outputs, TARGET, 0.0)
    parts = [cross_entropy(LOGITS, TARGET), 0.3 * cross_entropy(lesion, TARGET)]
    torch.testing.assert_close(value.total, sum(parts) + torch.tensor(0.25))
    assert set(value.terms) == {"cross_entropy", "auxiliary lesion", "penalty balance"}
    with pytest.raises(ShapeError, match="'context'"):
        Objective(tiny.Plain(), {"context": 1.0})(outputs, TARGET, 0.0)


def test_class_weights_weigh_each_sample(tiny: Any) -> None:
    weights = inverse_frequency(torch.tensor([60, 30, 10]))
    logits = LOGITS.clone().requires_grad_()
    value = Objective(tiny.Plain(), class_weights=weights)(Outputs(logits), TARGET, 0.0)
    each = cross_entropy(logits, TARGET, reduction="none")
    torch.testing.assert_close(value.total, (weights[TARGET] * each).mean())
    torch.testing.assert_close(value.terms["cross_entropy"], value.total.detach())
    # torch divides by the sum of the weights instead of the number of samples
    torch.testing.assert_close(
        value.total * 6 / weights[TARGET].sum(), cross_entropy(logits, TARGET, weight=weights)
    )


def test_inverse_frequency_keeps_the_scale_of_the_loss() -> None:
    counts = torch.tensor([60, 30, 10, 0])
    weights = inverse_frequency(counts)
    assert (weights * counts).sum() / counts.sum() == pytest.approx(1)
    assert weights.tolist() == pytest.approx([100 / 180, 100 / 90, 100 / 30, 0])


def test_an_auxiliary_loss_passes_over_a_missing_modality(tiny: Any) -> None:
    present = torch.ones(6, 2, dtype=torch.bool)
    present[1, 0] = False
    outputs = Outputs(LOGITS, {"image": LOGITS.clone().requires_grad_()}, present)
    Objective(tiny.Plain(), {"image": 1.0})(outputs, TARGET, 0.0).total.backward()
    gradient = outputs.part_logits["image"].grad
    assert gradient is not None
    assert gradient[1].abs().max() == 0
    assert gradient[0].abs().max() > 0


def test_the_part_of_an_encoder_is_passed_over_where_its_modality_is_missing(tiny: Any) -> None:
    lesion = LOGITS.clone().requires_grad_()
    there = torch.tensor([True, False, True, True, False, True])
    outputs = Outputs(LOGITS, {"lesion": lesion}, part_present={"lesion": there})
    weights = inverse_frequency(torch.tensor([60, 30, 10]))
    for objective in (
        Objective(tiny.Plain(), {"lesion": 1.0}),
        Objective(tiny.Plain(), {"lesion": 1.0}, class_weights=weights),
    ):
        (gradient,) = torch.autograd.grad(objective(outputs, TARGET, 0.0).total, lesion)
        assert gradient[~there].abs().max() == 0
        assert (gradient[there].abs().amax(dim=1) > 0).all()


def test_the_spec_decides_before_the_encoders(tiny: Any) -> None:
    spec = tiny.tiny_spec()
    spec.model.encoders["image"].auxiliary_defaults = {"lesion": 0.3}
    assert auxiliary_weights(spec) == {"lesion": 0.3}
    spec = tiny.tiny_spec(auxiliary={})
    spec.model.encoders["image"].auxiliary_defaults = {"lesion": 0.3}
    assert auxiliary_weights(spec) == {}


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_modality_dropout_never_drops_both(share: float) -> None:
    generator = torch.Generator().manual_seed(0)
    present = torch.rand(20_000, 2, generator=generator) < 0.8
    draws = torch.rand(20_000, 2, generator=generator)
    kept = drop_modalities(present, draws, share)
    assert not (kept & ~present).any()
    assert torch.equal(kept.any(dim=1), present.any(dim=1))
    both = present.all(dim=1)
    lost = ~kept[both]
    assert lost.any(dim=1).float().mean().item() == pytest.approx(share, abs=0.02)
    if share:
        assert (lost[:, 0].float().mean() / share).item() == pytest.approx(0.5, abs=0.03)
    assert torch.equal(kept[~both], present[~both])


def test_modality_dropout_of_three_loses_any_set_of_them_but_all() -> None:
    generator = torch.Generator().manual_seed(0)
    present = torch.rand(60_000, 3, generator=generator) < 0.8
    kept = drop_modalities(present, torch.rand(60_000, 2, generator=generator), 0.5)
    assert not (kept & ~present).any()
    assert torch.equal(kept.any(dim=1), present.any(dim=1))
    for row in ([True, True, True], [True, False, True]):
        here = (present == torch.tensor(row)).all(dim=1)
        patterns, counts = kept[here].unique(dim=0, return_counts=True)
        shares = counts / here.sum()
        whole = (patterns == torch.tensor(row)).all(dim=1)
        proper = 2 ** sum(row) - 2
        assert len(patterns) == proper + 1
        assert shares[whole].item() == pytest.approx(0.5, abs=0.02)
        assert shares[~whole].tolist() == pytest.approx([0.5 / proper] * proper, abs=0.02)


def test_each_modality_may_be_lost_with_a_chance_of_its_own() -> None:
    generator = torch.Generator().manual_seed(0)
    dropout = ModalityDropout({"text": 0.4, "image": 0.2}, ("image", "text", "record"))
    present = torch.rand(60_000, 3, generator=generator) < 0.8
    kept = dropout(present, dropout.draw(60_000, generator))
    assert not (kept & ~present).any()
    assert torch.equal(kept.any(dim=1), present.any(dim=1))
    whole = present.all(dim=1)
    shares = (~kept[whole]).float().mean(dim=0)
    assert shares.tolist() == pytest.approx([0.2, 0.4, 0.0], abs=0.02)
    pair = (present == torch.tensor([True, True, False])).all(dim=1)
    lost = (~kept[pair])[:, :2].float().mean(dim=0)
    # both would go in 0.08 of the rows, and each is spared in half of them
    assert lost.tolist() == pytest.approx([0.2 - 0.04, 0.4 - 0.04], abs=0.02)
