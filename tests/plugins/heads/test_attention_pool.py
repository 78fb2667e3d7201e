"""Laws of head.attention_pool."""

from typing import Literal

import pytest
import torch
from torch.nn import functional as F

from mmx import Features, ShapeError
from mmx_plugins.heads.attention_pool import AttentionPool, AttentionPoolParams, LatentPool

Pool = Literal["gated", "attention", "map"]
POOLS: tuple[Pool, ...] = ("gated", "attention", "map")


def tokens(rows: int = 3, length: int = 6, dim: int = 16) -> torch.Tensor:
    return torch.randn(rows, length, dim, generator=torch.Generator().manual_seed(0))


def features(values: torch.Tensor, real: int | None = None) -> Features:
    mask = torch.ones(values.shape[:2], dtype=torch.bool)
    if real is not None:
        mask[:, real:] = False
    return Features(values, mask)


def built(pool: Pool) -> AttentionPool:
    torch.manual_seed(1)
    return AttentionPoolParams(pool=pool).build(16, 3)


def test_gated_equals_the_formula() -> None:
    head, h = built("gated"), tokens()
    pool = head.pool
    score = F.linear(
        torch.tanh(F.linear(h, *pool.value.parameters()))
        * torch.sigmoid(F.linear(h, *pool.gate.parameters())),  # type: ignore[union-attr]
        *pool.score.parameters(),  # type: ignore[union-attr]
    )
    z = (F.softmax(score, dim=1) * h).sum(dim=1)
    torch.testing.assert_close(head(features(h)).logits, F.linear(z, *head.last.parameters()))


def test_attention_has_no_gate() -> None:
    head, h = built("attention"), tokens()
    pool = head.pool
    hidden = torch.tanh(F.linear(h, *pool.value.parameters()))
    weights = F.softmax(F.linear(hidden, *pool.score.parameters()), dim=1)  # type: ignore
    z = (weights * h).sum(dim=1)
    torch.testing.assert_close(head(features(h)).logits, F.linear(z, *head.last.parameters()))


def test_map_equals_the_attention_of_torch() -> None:
    head, h = built("map"), tokens()
    pool = head.pool
    assert isinstance(pool, LatentPool)
    query = pool.query(pool.latent).expand(3, 1, 16)
    split = [
        each.unflatten(-1, (8, 2)).transpose(1, 2) for each in (query, pool.key(h), pool.value(h))
    ]
    mixed = F.scaled_dot_product_attention(*split).transpose(1, 2).flatten(2)[:, 0]
    z = pool.project(mixed)  # type: ignore[union-attr,operator]
    z = z + pool.mlp(F.layer_norm(z, [16]))  # type: ignore[union-attr,operator]
    torch.testing.assert_close(head(features(h)).logits, F.linear(z, *head.last.parameters()))


@pytest.mark.parametrize("pool", ["gated", "attention"])
def test_zero_scores_give_the_masked_mean(pool: Pool) -> None:
    head = built(pool)
    head.pool.score.weight.data.zero_()  # type: ignore[union-attr,operator]
    mean = tokens()[:, :4].mean(dim=1)
    expected = F.linear(mean, *head.last.parameters())
    torch.testing.assert_close(head(features(tokens(), real=4)).logits, expected)


def test_one_token_passes_gated_pooling_unchanged() -> None:
    head, h = built("gated"), tokens(length=1)
    expected = F.linear(h[:, 0], *head.last.parameters())
    torch.testing.assert_close(head(features(h)).logits, expected)


def test_map_with_a_zero_query_projects_the_mean_value() -> None:
    head, h = built("map"), tokens()
    pool = head.pool
    pool.latent.data.zero_()  # type: ignore[union-attr,operator]
    pool.query.bias.data.zero_()  # type: ignore[union-attr,operator]
    z = pool.project(pool.value(h).mean(dim=1))  # type: ignore[union-attr,operator]
    z = z + pool.mlp(pool.norm(z))  # type: ignore[union-attr,operator]
    torch.testing.assert_close(head(features(h)).logits, F.linear(z, *head.last.parameters()))


@pytest.mark.parametrize("pool", POOLS)
def test_the_order_of_tokens_does_not_matter(pool: Pool) -> None:
    head, order = built(pool), torch.tensor([3, 1, 5, 0, 2, 4])
    expected = head(features(tokens())).logits
    torch.testing.assert_close(head(features(tokens()[:, order])).logits, expected)


@pytest.mark.parametrize("pool", POOLS)
def test_weights_sum_to_one_and_are_exactly_zero_where_masked(pool: Pool) -> None:
    weights = built(pool)(features(tokens(), real=4)).explain["attention"]
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(3))
    assert torch.equal(weights[:, 4:], torch.zeros(3, 2))


@pytest.mark.parametrize("pool", POOLS)
def test_copies_of_a_token_share_their_weight_equally(pool: Pool) -> None:
    copies = torch.cat([tokens(), tokens()[:, :1], tokens()[:, :1]], dim=1)
    weights = built(pool)(features(copies)).explain["attention"]
    torch.testing.assert_close(weights[:, 6], weights[:, 0])
    torch.testing.assert_close(weights[:, 7], weights[:, 0])


@pytest.mark.parametrize("pool", POOLS)
def test_a_row_without_a_real_token_stays_finite(pool: Pool) -> None:
    values = tokens().requires_grad_()
    logits = built(pool)(features(values, real=0)).logits
    logits.sum().backward()
    assert logits.isfinite().all()
    assert values.grad is not None
    assert torch.equal(values.grad, torch.zeros_like(values))


def test_map_says_which_heads_do_not_divide_the_channels() -> None:
    with pytest.raises(ShapeError, match="8 heads for 12 channels"):
        AttentionPoolParams(pool="map").build(12, 3)
