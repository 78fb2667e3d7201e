"""Laws of loss.symmetric_kl."""

import torch
from torch.distributions import Bernoulli, Categorical, kl_divergence
from torch.nn import functional as F

from mmx import Outputs
from mmx.blocks import Cumulative
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


LABEL_COUNTS = torch.tensor([[2, 1, 1], [1, 2, 1], [1, 1, 2]])  # 8 of 12 are known
LABELS = torch.tensor([[1, 0, -1], [-1, 1, 0], [0, 1, 1], [0, -1, -1]])


def test_of_labels_it_is_the_mean_divergence_of_coins_and_needs_no_label() -> None:
    p, q = Bernoulli(logits=IMAGE), Bernoulli(logits=TEXT)
    wanted = ((kl_divergence(p, q) + kl_divergence(q, p)) / 2).mean()
    value = SymmetricKlParams().build(LABEL_COUNTS)(outputs(), LABELS, 0.0)
    torch.testing.assert_close(value.terms["disagreement"], wanted)
    unknown = torch.full_like(LABELS, -1)
    alone = SymmetricKlParams().build(LABEL_COUNTS)(outputs(), unknown, 0.0)
    torch.testing.assert_close(alone.total, 0.1 * wanted)


def test_of_labels_the_cross_entropies_are_those_of_bce() -> None:
    known = LABELS >= 0
    per_row = 8 / 4
    value = SymmetricKlParams().build(LABEL_COUNTS)(outputs(), LABELS, 0.0)
    for name, logits in (("fused", FUSED), ("image", IMAGE), ("text", TEXT)):
        each = F.binary_cross_entropy_with_logits(logits[known], LABELS[known].float())
        wanted = each * known.sum() / (4 * per_row)
        torch.testing.assert_close(value.terms[name], wanted)


def test_an_unknown_label_moves_no_logit_but_by_disagreement() -> None:
    loss = SymmetricKlParams(weight=0).build(LABEL_COUNTS)
    logits = [one.clone().requires_grad_() for one in (FUSED, IMAGE, TEXT)]
    given = Outputs(logits[0], {"image": logits[1], "text": logits[2]})
    loss(given, LABELS, 0.0).total.backward()
    for one in logits:
        assert one.grad is not None
        assert torch.equal(one.grad[LABELS < 0], torch.zeros(4))
        assert one.grad[LABELS >= 0].abs().min() > 0


def test_levels_on_one_scale_disagree_by_the_probability_of_each_level() -> None:
    params = SymmetricKlParams(scale=True)
    link, loss = params.link(torch.tensor([5, 3, 2])), params.build(torch.tensor([5, 3, 2]))
    assert isinstance(link, Cumulative)
    raw = [torch.tensor([[0.3], [-2.0], [4.0], [0.0]]) * k for k in (1, 2, -1)]
    fused, image, text = (link(one) for one in raw)
    p, q = (Categorical(probs=link.log_probs(one).exp()) for one in (image, text))
    value = loss(Outputs(fused, {"image": image, "text": text}), TARGET, 0.0)
    wanted = ((kl_divergence(p, q) + kl_divergence(q, p)) / 2).mean()
    torch.testing.assert_close(value.terms["disagreement"], wanted)
    torch.testing.assert_close(value.terms["fused"], F.nll_loss(link.log_probs(fused), TARGET))
    assert params.misfit("ordinal") == ""
    assert "this spec has task: single_label" in params.misfit("single_label")
