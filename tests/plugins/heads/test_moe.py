"""Laws of head.moe."""

import pytest
import torch
from pydantic import ValidationError
from torch.nn import functional as F

from mmx import Features
from mmx_plugins.heads.moe import Moe, MoeParams


def inputs(rows: int = 6) -> torch.Tensor:
    return torch.randn(rows, 8, generator=torch.Generator().manual_seed(0))


def built(**settings: object) -> Moe:
    torch.manual_seed(0)
    return MoeParams.model_validate(settings).build(8, 3).eval()


def loop(head: Moe, x: torch.Tensor, k: int) -> torch.Tensor:
    """One sample and one expert at a time."""
    rows = []
    for z in x:
        probability = F.softmax(head.router.weight @ z, dim=0)
        best = sorted(range(len(probability)), key=lambda e: -probability[e].item())[:k]
        total = sum(probability[e] for e in best) if k > 1 else torch.tensor(1.0)
        rows.append(sum(probability[e] / total * head.expert(e, z[None])[0] for e in best))
    return torch.stack(rows)  # type: ignore[arg-type]


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_equals_the_loop_over_samples_and_experts(k: int) -> None:
    head = built(k=k)
    torch.testing.assert_close(head(Features.of_pooled(inputs())).logits, loop(head, inputs(), k))


@pytest.mark.parametrize("settings", [{}, {"k": 1}, {"soft": True}, {"k": 2, "renormalise": False}])
def test_gradients_equal_those_of_finite_differences(settings: dict[str, object]) -> None:
    head = built(hidden=5, **settings).double()
    x = inputs().double().requires_grad_()
    leaves = [x, *head.parameters()]

    def value(*_: torch.Tensor) -> torch.Tensor:
        output = head(Features.of_pooled(x))
        logits, penalty = output.logits, output.penalties["router_z"]
        return torch.stack([logits.square().sum(), penalty]).sum()

    assert torch.autograd.gradcheck(value, leaves)


def test_gradients_equal_those_of_the_loop() -> None:
    head, x = built(), inputs(40)
    grads = [
        torch.autograd.grad(logits.square().sum(), list(head.parameters()))
        for logits in (head(Features.of_pooled(x)).logits, loop(head, x, 2))
    ]
    torch.testing.assert_close(grads[0], grads[1])


def test_an_expert_without_samples_gets_a_gradient_of_zero() -> None:
    head = built(k=1)
    head.router.weight.data.zero_()[0] = 50
    head(Features.of_pooled(torch.ones(6, 8))).logits.sum().backward()
    assert head.first.grad is not None
    assert head.first.grad[0].abs().sum() > 0
    assert torch.equal(head.first.grad[1:], torch.zeros(3, 8, 256))


def test_reduced_precision_stays_near_full_precision() -> None:
    head, x = built(), inputs()
    full = head(Features.of_pooled(x))
    with torch.autocast("cpu", torch.bfloat16):
        reduced = head(Features.of_pooled(x))
        reduced.logits.square().sum().backward()
    assert torch.equal(full.explain["experts"], reduced.explain["experts"])
    torch.testing.assert_close(reduced.logits.float(), full.logits, rtol=0.05, atol=0.01)
    assert head.first.grad is not None
    assert head.first.grad.isfinite().all()


def test_biases_of_experts_have_no_weight_decay() -> None:
    head = built()
    assert head.first_bias.no_weight_decay  # type: ignore[attr-defined]
    assert head.last_bias.no_weight_decay  # type: ignore[attr-defined]


def test_one_expert_is_an_mlp() -> None:
    head = built(experts=1, k=1)
    expected = head.expert(0, inputs())
    torch.testing.assert_close(head(Features.of_pooled(inputs())).logits, expected)


@pytest.mark.parametrize("settings", [{"k": 4}, {"soft": True}])
def test_all_experts_make_a_dense_mixture(settings: dict[str, object]) -> None:
    head = built(**settings)
    probability = F.softmax(head.router(inputs()), dim=1)
    outputs = torch.stack([head.expert(e, inputs()) for e in range(4)], dim=1)
    expected = torch.einsum("be,bec->bc", probability, outputs)
    torch.testing.assert_close(head(Features.of_pooled(inputs())).logits, expected)


def test_equal_experts_make_routing_irrelevant() -> None:
    head = built()
    for weights in (head.first, head.first_bias, head.last, head.last_bias):
        weights.data[1:] = weights.data[:1].clone()
    expected = head.expert(0, inputs())
    torch.testing.assert_close(head(Features.of_pooled(inputs())).logits, expected)


def test_the_balance_penalty_is_one_when_use_is_even() -> None:
    head = built(balance=1.0, k=1)
    head.router.weight.data = 20 * torch.eye(4, 8)
    even = torch.cat([torch.eye(4, 8), torch.eye(4, 8)])
    penalty = head(Features.of_pooled(even)).penalties["balance"]
    torch.testing.assert_close(penalty, torch.tensor(1.0))


def test_the_balance_penalty_is_the_number_of_experts_at_collapse() -> None:
    head = built(balance=1.0, k=1)
    head.router.weight.data.zero_()[0] = 50
    penalty = head(Features.of_pooled(torch.ones(6, 8))).penalties["balance"]
    torch.testing.assert_close(penalty, torch.tensor(4.0))


def test_the_balance_penalty_counts_each_sample_once_for_any_k() -> None:
    head = built(balance=1.0, k=2)
    head.router.weight.data.zero_()
    penalty = head(Features.of_pooled(inputs())).penalties["balance"]
    torch.testing.assert_close(penalty, torch.tensor(1.0))


def test_the_balance_penalty_equals_its_formula_with_gradient_through_probabilities_only() -> None:
    head = built(balance=1.0)
    probability = F.softmax(head.router(inputs()), dim=1)
    share = torch.zeros(4)
    for row in probability:
        for e in row.topk(2).indices:
            share[e] += 1 / (2 * len(probability))
    expected = 4 * (share * probability.mean(dim=0)).sum()
    (wanted,) = torch.autograd.grad(expected, head.router.weight)
    got = head(Features.of_pooled(inputs())).penalties["balance"]
    torch.testing.assert_close(got, expected)
    torch.testing.assert_close(torch.autograd.grad(got, head.router.weight)[0], wanted)


def test_the_router_penalty_sees_a_shift_that_the_softmax_does_not() -> None:
    head = built(router_z=1.0)
    x = torch.cat([inputs()[:, :7], torch.ones(6, 1)], dim=1)
    before = head(Features.of_pooled(x))
    head.router.weight.data[:, 7] += 3
    after = head(Features.of_pooled(x))
    torch.testing.assert_close(after.logits, before.logits)
    expected = torch.logsumexp(head.router(x), dim=1).pow(2).mean()
    torch.testing.assert_close(after.penalties["router_z"], expected)
    assert after.penalties["router_z"] > before.penalties["router_z"]


def test_the_use_of_experts_is_reported() -> None:
    use = built()(Features.of_pooled(inputs())).explain["experts"]
    assert use.shape == (6, 4)
    assert not use.requires_grad
    assert torch.equal((use > 0).sum(dim=1), torch.full((6,), 2))
    torch.testing.assert_close(use.sum(dim=1), torch.ones(6))


def test_one_chosen_expert_still_teaches_the_router() -> None:
    head = built(k=1)
    head(Features.of_pooled(inputs())).logits.square().sum().backward()
    assert head.router.weight.grad is not None
    assert head.router.weight.grad.abs().sum() > 0


def test_refuses_one_renormalised_gate_and_says_why() -> None:
    with pytest.raises(ValidationError, match="router gets no gradient from the task"):
        MoeParams(k=1, renormalise=True)


def test_refuses_more_choices_than_experts() -> None:
    with pytest.raises(ValidationError, match="k must be at most experts = 4, got 5"):
        MoeParams(k=5)
