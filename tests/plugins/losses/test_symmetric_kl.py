"""Laws of loss.symmetric_kl."""

import torch
from torch.distributions import Categorical, kl_divergence
from torch.nn import functional as F

from mmx import Outputs
from mmx_plugins.losses import symmetric_kl
from mmx_plugins.losses.symmetric_kl import SymmetricKlParams

COUNTS = torch.tensor([5, 5, 5])
TARGET = torch.tensor([0, 1, 2, 0])


def draw(seed: int) -> torch.Tensor:
    return 3 * torch.randn(4, 3, generator=torch.Generator().manual_seed(seed))


FUSED, IMAGE, TEXT = draw(0), draw(1), draw(2)


def outputs(image: torch.Tensor = IMAGE, present: torch.Tensor | None = None) -> Outputs:
    parts = {"image": image, "text": TEXT}
    return Outputs(FUSED, parts, present)  # type: ignore[arg-type]


def jeffreys(image: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
    return symmetric_kl.jeffreys(image.log_softmax(dim=1), text.log_softmax(dim=1))


def test_the_disagreement_is_the_mean_of_both_divergences() -> None:
    p, q = Categorical(logits=IMAGE), Categorical(logits=TEXT)
    expected = (kl_divergence(p, q) + kl_divergence(q, p)) / 2
    torch.testing.assert_close(jeffreys(IMAGE, TEXT), expected)


def test_the_disagreement_is_symmetric_positive_and_zero_only_where_both_agree() -> None:
    torch.testing.assert_close(jeffreys(IMAGE, TEXT), jeffreys(TEXT, IMAGE))
    assert (jeffreys(IMAGE, TEXT) > 0).all()
    assert torch.equal(jeffreys(IMAGE, IMAGE), torch.zeros(4))


def test_the_disagreement_ignores_a_constant_on_all_logits() -> None:
    torch.testing.assert_close(jeffreys(IMAGE + 7, TEXT - 3), jeffreys(IMAGE, TEXT))


def test_equals_the_formula() -> None:
    unimodal = F.cross_entropy(IMAGE, TARGET) + F.cross_entropy(TEXT, TARGET)
    expected = F.cross_entropy(FUSED, TARGET) + 0.3 * unimodal + 0.1 * jeffreys(IMAGE, TEXT).mean()
    value = SymmetricKlParams().build(COUNTS)(outputs(), TARGET, 0.0)
    torch.testing.assert_close(value.total, expected)
    assert set(value.terms) == {"fused", "image", "text", "disagreement"}


def test_without_its_weights_it_is_the_cross_entropy_of_the_fused_head() -> None:
    loss = SymmetricKlParams(unimodal=0, weight=0).build(COUNTS)
    expected = F.cross_entropy(FUSED, TARGET)
    torch.testing.assert_close(loss(outputs(), TARGET, 0.0).total, expected)


def test_rows_with_an_absent_side_leave_it_and_the_disagreement_out() -> None:
    present = torch.tensor([[True, True], [False, True], [True, False], [True, True]])
    value = SymmetricKlParams().build(COUNTS)(outputs(present=present), TARGET, 0.0)
    both, image, text = [0, 3], [0, 2, 3], [0, 1, 3]
    expected = jeffreys(IMAGE[both], TEXT[both]).mean()
    torch.testing.assert_close(value.terms["disagreement"], expected)
    torch.testing.assert_close(value.terms["image"], F.cross_entropy(IMAGE[image], TARGET[image]))
    torch.testing.assert_close(value.terms["text"], F.cross_entropy(TEXT[text], TARGET[text]))


def test_a_batch_without_any_image_does_not_depend_on_the_image_head() -> None:
    present = torch.tensor([[False, True]]).expand(4, 2)
    loss = SymmetricKlParams().build(COUNTS)
    image = IMAGE.clone().requires_grad_()
    value = loss(outputs(image, present), TARGET, 0.0)
    value.total.backward()
    assert torch.equal(image.grad, torch.zeros(4, 3))  # type: ignore[arg-type]
    assert torch.equal(value.total, loss(outputs(2 * IMAGE, present), TARGET, 0.0).total)


def test_of_three_modalities_it_is_the_mean_over_the_pairs_that_a_row_has() -> None:
    names, drawn = ("derm", "clinic", "record"), (IMAGE, TEXT, draw(3))
    present = torch.tensor([[1, 1, 1], [1, 1, 0], [0, 0, 1], [1, 0, 1]]).bool()
    loss = SymmetricKlParams().build(COUNTS)
    loss.set_modalities(names)
    parts = dict(zip(names, drawn, strict=True))
    value = loss(Outputs(FUSED, parts, present, modalities=names), TARGET, 0.0)
    p = [Categorical(logits=one) for one in drawn]
    each = {(i, j): (kl_divergence(p[i], p[j]) + kl_divergence(p[j], p[i])) / 2
            for i, j in ((0, 1), (0, 2), (1, 2))}  # fmt: skip
    rows = [sum(one[0] for one in each.values()) / 3, each[0, 1][1], each[0, 2][3]]
    heads = [F.cross_entropy(z[present[:, m]], TARGET[present[:, m]]) for m, z in enumerate(drawn)]
    fused = F.cross_entropy(FUSED, TARGET)
    torch.testing.assert_close(value.total, fused + 0.3 * sum(heads) + 0.1 * sum(rows) / 3)
    assert [*value.terms] == ["fused", *names, "disagreement"]
