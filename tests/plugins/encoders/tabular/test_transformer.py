"""FT-Transformer against plain torch layers."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, multi_head_attention_forward

from mmx.interfaces import Record
from mmx_plugins.encoders._records.encoder import ColumnsEncoder
from mmx_plugins.encoders.tabular.transformer import Block, Transformer

Fitted = Callable[..., ColumnsEncoder]


def attended(block: Block, x: Tensor) -> tuple[Tensor, Tensor]:
    """Result and weights of torch's own multi-head attention with the weights of a block."""
    one = block.attention
    layers = (one.query, one.key, one.value)
    weight = torch.cat([layer.weight for layer in layers])
    bias = torch.cat([layer.bias for layer in layers])
    x = x.transpose(0, 1)
    result, weights = multi_head_attention_forward(
        x, x, x, x.shape[-1], one.heads, weight, bias, None, None, False, 0.0,
        one.out.weight, one.out.bias, training=False,
    )  # fmt: skip
    assert weights is not None
    return result.transpose(0, 1), weights


def by_hand(network: Transformer, columns: Tensor) -> tuple[list[Tensor], Tensor]:
    """Tokens after each block, class token first, and the last attention of the class token."""
    x = torch.cat([network.cls.expand(len(columns), 1, -1), columns], dim=1)
    after, weights = [], torch.zeros(())
    for place, block in enumerate(network.blocks):
        assert isinstance(block, Block)
        normed = x if place == 0 else block.before(x)
        read, weights = attended(block, normed)
        x = x + read
        hidden = linear(block.norm(x), block.hidden.weight, block.hidden.bias)
        width = block.out.in_features
        x = x + block.out(hidden[..., :width] * hidden[..., width:].relu())
        after.append(x)
    return after, weights[:, 0, 1:]


def test_it_is_that_of_plain_layers(fitted: Fitted, records: list[Record]) -> None:
    encoder = fitted(records, dim=24, heads=4, blocks=3)
    network = encoder.network
    assert isinstance(network, Transformer)
    assert network.get_submodule("blocks.0.out").in_features == 32  # 4/3 of the width
    with torch.no_grad():
        given = encoder.tabulate(records)
        found = encoder(given)
        after, weights = by_hand(network, network.tokens(given))
    torch.testing.assert_close(found.tokens, after[-1][:, 1:])
    torch.testing.assert_close(found.pooled, network.norm(after[-1][:, 0]))
    torch.testing.assert_close(found.explain["columns"], weights)
    assert encoder.shape.level_dims == (24, 24)
    for level, expected in zip(found.levels, after, strict=False):
        torch.testing.assert_close(level.tokens, expected[:, 1:])
        torch.testing.assert_close(level.pooled, expected[:, 0])


def test_the_first_block_alone_has_no_norm_before_attention(
    fitted: Fitted, records: list[Record]
) -> None:
    blocks = fitted(records, dim=16).network.get_submodule("blocks").children()
    before = [type(block.get_submodule("before")) for block in blocks]
    assert before == [nn.Identity, nn.LayerNorm]


def test_it_explains_with_a_share_of_each_column(fitted: Fitted, records: list[Record]) -> None:
    shares = fitted(records, dim=16)(fitted(records, dim=16).tabulate(records)).explain["columns"]
    assert shares.shape == (len(records), 4)
    assert bool((shares > 0).all())
    assert bool((shares.sum(1) < 1).all())  # the class token reads itself too


def test_tokens_class_token_norms_and_biases_have_no_decay(
    fitted: Fitted, records: list[Record]
) -> None:
    decayed = [
        name
        for name, parameter in fitted(records, dim=16).named_parameters()
        if parameter.ndim >= 2 and not getattr(parameter, "no_weight_decay", False)
    ]
    assert decayed
    assert all(".attention." in name or ".hidden." in name or ".out." in name for name in decayed)
