"""Laws of late fusion."""

import pytest
import torch
from torch import Tensor, nn

from mmx_plugins.fusion.late import Late, Rule

G = torch.Generator().manual_seed(0)
Z_I, Z_T = (torch.randn(4, 5, generator=G, dtype=torch.float64) for _ in range(2))
BOTH = torch.ones(4, 2, dtype=torch.bool)
RULES = ["mean_prob", "mean_logit", "product"]
close = torch.testing.assert_close


def named(image: Tensor, text: Tensor) -> dict[str, Tensor]:
    return {"image": image, "text": text}


def test_each_rule_is_its_formula() -> None:
    p, q = Z_I.softmax(dim=1), (Z_T / 2).softmax(dim=1)
    settings = {"image_weight": 0.3, "temperatures": (1.0, 2.0)}
    close(Late("mean_prob", **settings).combine(named(Z_I, Z_T), BOTH).exp(), 0.3 * p + 0.7 * q)
    mixed = (0.3 * Z_I + 0.7 * Z_T / 2).softmax(dim=1)
    close(Late("mean_logit", **settings).combine(named(Z_I, Z_T), BOTH).exp(), mixed)
    product = p * Z_T.softmax(dim=1)
    close(
        Late("product").combine(named(Z_I, Z_T), BOTH).exp(), product / product.sum(1, keepdim=True)
    )


@pytest.mark.parametrize("rule", ["mean_prob", "mean_logit"])
def test_equal_decisions_give_that_decision(rule: Rule) -> None:
    close(Late(rule).combine(named(Z_I, Z_I), BOTH), Z_I.log_softmax(dim=1))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("side", [0, 1])
def test_a_missing_side_leaves_the_other_exactly(rule: Rule, side: int) -> None:
    present = BOTH.clone()
    present[:, side] = False
    logits = [Z_I, Z_T]
    logits[side] = torch.full_like(Z_I, torch.nan)
    got = Late(rule, image_weight=0.2).combine(named(*logits), present)
    close(got, logits[1 - side].log_softmax(dim=1))


@pytest.mark.parametrize("rule", RULES)
def test_results_are_log_probabilities_even_at_huge_logits(rule: Rule) -> None:
    a, b = (Z_I * 1e4).requires_grad_(), (Z_T * 1e4).requires_grad_()
    log_p = Late(rule).combine(named(a, b), BOTH)
    close(log_p.exp().sum(dim=1), torch.ones(4, dtype=torch.float64))
    log_p.max(dim=1).values.sum().backward()
    for logits in (a, b):
        assert logits.grad is not None
        assert logits.grad.isfinite().all()


def test_mean_of_logits_of_linear_heads_is_a_linear_head_on_the_concatenation() -> None:
    a, t = torch.randn(4, 3, generator=G), torch.randn(4, 6, generator=G)
    of_image, of_text, whole = nn.Linear(3, 5), nn.Linear(6, 5), nn.Linear(9, 5)
    with torch.no_grad():
        whole.weight.copy_(torch.cat([of_image.weight, of_text.weight], dim=1) / 2)
        whole.bias.copy_((of_image.bias + of_text.bias) / 2)
    got = Late("mean_logit").combine(named(of_image(a), of_text(t)), BOTH)
    close(got, whole(torch.cat([a, t], dim=1)).log_softmax(dim=1))
