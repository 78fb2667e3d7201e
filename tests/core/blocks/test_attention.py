"""Attention against torch's own, and what it does where there is nothing to read."""

import pytest
import torch
from torch import nn

from mmx.blocks import Attention, attention_weights, check_heads, masked_attention
from mmx.errors import ShapeError

G = torch.Generator().manual_seed(0)
Q, K, V = (torch.randn(3, 2, n, 4, generator=G) for n in (5, 6, 6))
MASK = torch.arange(6) < torch.tensor([6, 2, 4])[:, None]


def test_it_is_a_softmax_over_real_keys() -> None:
    scores = torch.einsum("bhnd,bhmd->bhnm", Q, K) / 4**0.5
    weights = scores.masked_fill(~MASK[:, None, None], -torch.inf).softmax(dim=-1)
    expected = torch.einsum("bhnm,bhmd->bhnd", weights, V)
    torch.testing.assert_close(masked_attention(Q, K, V, MASK), expected)
    torch.testing.assert_close(attention_weights(Q, K, MASK), weights.mean(dim=1))


def test_in_bf16_on_a_cpu_it_is_that_of_fp32_rounded_once() -> None:
    q, k, v = Q.bfloat16(), K.bfloat16(), V.bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        found = masked_attention(q, k, v, MASK)
    assert found.dtype == torch.bfloat16
    wanted = masked_attention(q.float(), k.float(), v.float(), MASK)
    assert torch.equal(found, wanted.bfloat16())


def test_it_equals_torchs_multi_head_attention() -> None:
    torch.manual_seed(0)
    ours, theirs = Attention(8, 8, 2), nn.MultiheadAttention(8, 2, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([ours.query.weight, ours.key_value.weight]))
        theirs.in_proj_bias.copy_(torch.cat([ours.query.bias, ours.key_value.bias]))
        theirs.out_proj.load_state_dict(ours.out.state_dict())
    x, context = torch.randn(3, 5, 8), torch.randn(3, 6, 8)
    expected, weights = theirs(x, context, context, key_padding_mask=~MASK)
    torch.testing.assert_close(ours(x, context, MASK), expected)
    torch.testing.assert_close(ours.weights(x, context, MASK), weights)


def test_without_a_real_key_nothing_is_read_and_gradients_are_finite() -> None:
    mask = MASK & torch.tensor([True, False, True])[:, None]
    given = q, k, v = Q.clone(), K.clone(), V.clone()
    for tensor in given:
        tensor.requires_grad_()
    result = masked_attention(q, k, v, mask)
    result.square().sum().backward()
    assert torch.equal(result[1], torch.zeros_like(result[1]))
    for tensor in given:
        assert tensor.grad is not None
        assert tensor.grad.isfinite().all()
        assert not tensor.grad[1].any()
    assert not attention_weights(Q, K, mask)[1].any()


def test_heads_that_do_not_divide_the_width_are_refused_with_a_way_out() -> None:
    with pytest.raises(ShapeError, match="5 heads do not divide a width of 16; use heads: 4"):
        check_heads(16, 5)
