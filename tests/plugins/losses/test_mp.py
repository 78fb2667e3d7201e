"""Laws of loss.mp."""

import math

import pytest
import torch
from torch.nn import functional as F

from mmx import Outputs
from mmx.errors import ShapeError
from mmx_plugins.losses.mp import Mp, MpParams

COUNTS = torch.tensor([5, 5, 5])
TARGET = torch.tensor([0, 1, 2, 0])


def draw(seed: int) -> torch.Tensor:
    return torch.randn(4, 3, generator=torch.Generator().manual_seed(seed))


FUSED, IMAGE, TEXT = draw(0), draw(1), draw(2)


def built(**settings: object) -> Mp:
    return MpParams.model_validate(settings).build(COUNTS)


def outputs(
    fused: torch.Tensor = FUSED, image: torch.Tensor = IMAGE, text: torch.Tensor = TEXT
) -> Outputs:
    return Outputs(fused, {"image": image, "text": text})


def jeffreys(image: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
    p, q = image.softmax(dim=1), text.softmax(dim=1)
    return ((p - q) * (p.log() - q.log())).sum(dim=1) / 2


def unimodal() -> torch.Tensor:
    return 0.3 * F.cross_entropy(IMAGE, TARGET) + 0.6 * F.cross_entropy(TEXT, TARGET)


def test_reference_equals_the_published_formula() -> None:
    fused = jeffreys(IMAGE, TEXT).exp().mean() * F.cross_entropy(FUSED, TARGET)
    value = built(mode="reference")(outputs(), TARGET, 0.0)
    torch.testing.assert_close(value.total, unimodal() + 1.1 * fused)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("w_max", [1.2, 10.0, None])
def test_per_sample_equals_its_formula(temperature: float, w_max: float | None) -> None:
    limit = math.inf if w_max is None else w_max
    weight = (jeffreys(IMAGE, TEXT) / temperature).exp().clamp(max=limit)
    each = F.cross_entropy(FUSED, TARGET, reduction="none")
    value = built(temperature=temperature, w_max=w_max)(outputs(), TARGET, 0.0)
    torch.testing.assert_close(value.total, unimodal() + 1.1 * (weight * each).mean())


@pytest.mark.parametrize("mode", ["per_sample", "reference"])
def test_modalities_that_agree_give_three_plain_cross_entropies(mode: str) -> None:
    value = built(mode=mode)(outputs(text=IMAGE), TARGET, 0.0)
    single = F.cross_entropy(IMAGE, TARGET)
    expected = 0.9 * single + 1.1 * F.cross_entropy(FUSED, TARGET)
    torch.testing.assert_close(value.total, expected)


def test_both_modes_are_one_for_a_single_sample_without_clamp_and_detach() -> None:
    one = Outputs(FUSED[:1], {"image": IMAGE[:1], "text": TEXT[:1]})
    per_sample = built(detach=False, w_max=None)(one, TARGET[:1], 0.0).total
    reference = built(mode="reference")(one, TARGET[:1], 0.0).total
    torch.testing.assert_close(per_sample, reference)


def test_the_reference_scales_the_fused_gradient_by_the_mean_weight() -> None:
    fused = FUSED.clone().requires_grad_()
    built(mode="reference")(outputs(fused), TARGET, 0.0).total.backward()
    plain = FUSED.clone().requires_grad_()
    F.cross_entropy(plain, TARGET).backward()
    assert plain.grad is not None
    factor = 1.1 * jeffreys(IMAGE, TEXT).exp().mean()
    torch.testing.assert_close(fused.grad, factor * plain.grad)


@pytest.mark.parametrize("detach", [True, False])
def test_detached_weights_send_no_gradient_into_image_and_text(detach: bool) -> None:
    image = IMAGE.clone().requires_grad_()
    built(image=0, text=0, detach=detach)(outputs(image=image), TARGET, 0.0).total.backward()
    assert image.grad is not None
    assert bool((image.grad == 0).all()) == detach


@pytest.mark.parametrize("detach", [True, False])
def test_total_disagreement_stays_finite_with_its_gradient(detach: bool) -> None:
    image = torch.tensor([[1e4, -1e4, 0.0]]).expand(4, 3).clone().requires_grad_()
    value = built(detach=detach)(outputs(image=image, text=-image), TARGET, 0.0).total
    value.backward()
    assert value.isfinite()
    assert image.grad is not None
    assert image.grad.isfinite().all()


@pytest.mark.parametrize("mode", ["per_sample", "reference"])
def test_a_row_without_text_weighs_one_and_leaves_its_cross_entropy_out(mode: str) -> None:
    present = torch.tensor([[True, True], [True, False], [True, False], [True, True]])
    given = Outputs(FUSED, {"image": IMAGE, "text": TEXT}, present)
    value = built(mode=mode, w_max=None)(given, TARGET, 0.0)
    weight = jeffreys(IMAGE, TEXT).exp()
    weight[[1, 2]] = 1
    each = F.cross_entropy(FUSED, TARGET, reduction="none")
    fused = weight.mean() * each.mean() if mode == "reference" else (weight * each).mean()
    torch.testing.assert_close(value.terms["fused"], fused)
    torch.testing.assert_close(value.terms["text"], F.cross_entropy(TEXT[[0, 3]], TARGET[[0, 3]]))


def test_of_three_modalities_the_disagreement_is_the_mean_over_pairs() -> None:
    names, drawn = ("image", "derm", "record"), (IMAGE, TEXT, draw(3))
    loss = built(factors={"derm": 0.4, "record": 0.5})
    loss.set_modalities(names)
    parts = dict(zip(names, drawn, strict=True))
    value = loss(Outputs(FUSED, parts, modalities=names), TARGET, 0.0)
    pairs = [jeffreys(drawn[i], drawn[j]) for i, j in ((0, 1), (0, 2), (1, 2))]
    weight = torch.stack(pairs).mean(dim=0).exp().clamp(max=10)
    each = F.cross_entropy(FUSED, TARGET, reduction="none")
    heads = [F.cross_entropy(z, TARGET) for z in drawn]
    single = 0.3 * heads[0] + 0.4 * heads[1] + 0.5 * heads[2]
    torch.testing.assert_close(value.total, single + 1.1 * (weight * each).mean())


@pytest.mark.parametrize(
    ("names", "factors", "words"),
    [
        (("image",), {}, "reads image alone"),
        (("image", "derm", "clinic"), {"derm": 1}, "no factor for clinic; state it"),
        (("image", "text"), {"derm": 1}, "factors names 'derm'"),
    ],
)
def test_modalities_without_a_factor_are_refused(
    names: tuple[str, ...], factors: dict[str, float], words: str
) -> None:
    with pytest.raises(ShapeError, match=words):
        MpParams(factors=factors).check_modalities(names)
