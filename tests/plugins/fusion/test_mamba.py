"""Laws of state-space fusion."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from pydantic import ValidationError
from torch import nn
from torch.nn.functional import conv1d, silu

from mmx import Features, FeatureShape
from mmx.errors import MmxError
from mmx_plugins.fusion.mamba import Block, CausalConv, Mamba, MambaParams

MakeFeatures = Callable[..., Features]
Awake = Callable[[nn.Module], nn.Module]
close = torch.testing.assert_close


def built(**settings: object) -> Mamba:
    params = MambaParams.model_validate({"dim": 16, "head_dim": 8, **settings})
    return params.build_pair(FeatureShape(16, grid=True), FeatureShape(16))


def test_the_convolution_is_a_causal_depthwise_one() -> None:
    torch.manual_seed(0)
    conv, x = CausalConv(6, 4), torch.randn(2, 9, 6)
    nn.init.normal_(conv.bias)
    kernel = conv.weight.flip(0).T[:, None]
    expected = conv1d(x.transpose(1, 2), kernel, conv.bias, padding=3, groups=6)[..., :9]
    close(conv(x), expected.transpose(1, 2))
    close(conv(x[:, :2]), conv(x)[:, :2])  # shorter than the kernel


@pytest.mark.parametrize("ssm", ["ssd", "sequential"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_text_reaches_earlier_image_tokens_only_backwards(
    make: MakeFeatures, ssm: str, bidirectional: bool
) -> None:
    fusion = built(ssm=ssm, bidirectional=bidirectional).eval()
    image, text = make(3, 4), make(3, 5, seed=1)
    tokens = text.tokens.clone().requires_grad_()
    fused = fusion(image, Features(tokens, text.mask)).pooled
    fused[:, :8].square().sum().backward()
    assert tokens.grad is not None
    assert tokens.grad.any() == bidirectional


def test_the_other_order_lets_text_come_first(make: MakeFeatures) -> None:
    params = MambaParams(dim=16, head_dim=8, first="text", bidirectional=False)
    fusion = params.build(dict.fromkeys(("image", "text"), FeatureShape(16))).eval()
    image, text = make(3, 4), make(3, 5, seed=1)
    tokens = image.tokens.clone().requires_grad_()
    fused = fusion({"image": Features(tokens, image.mask), "text": text}).pooled
    (of_text,) = torch.autograd.grad(fused[:, :8].square().sum(), tokens, retain_graph=True)
    assert not of_text.any()
    (of_image,) = torch.autograd.grad(fused[:, 8:].square().sum(), tokens)
    assert of_image.any()


@pytest.mark.parametrize("ssm", ["ssd", "sequential"])
def test_gaps_inside_the_run_change_nothing(make: MakeFeatures, awake: Awake, ssm: str) -> None:
    fusion = built(ssm=ssm, blocks=2)
    awake(fusion)
    image, text = make(3, 6), make(3, 5, seed=1)
    kept = torch.tensor([0, 2, 5])
    mask = torch.zeros(3, 6, dtype=torch.bool).index_fill(1, kept, True)
    gapped = fusion(Features(image.tokens, mask), text).pooled
    close(gapped, fusion(Features(image.tokens[:, kept], mask[:, kept]), text).pooled)


@pytest.mark.parametrize("before", [0, 3])
def test_masked_steps_around_the_run_change_nothing_in_a_block(awake: Awake, before: int) -> None:
    block = built().blocks[0]
    awake(block)
    x = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(0))
    junk = torch.full((2, 3, 8), 5.0).cumsum(dim=2)
    pieces, masks = [x, junk], [torch.ones(2, 5), torch.zeros(2, 3)]
    if before:
        pieces, masks = [junk, *pieces], [torch.zeros(2, 3), *masks]
    padded = block(torch.cat(pieces, dim=1), torch.cat(masks, dim=1).bool())
    close(padded[:, before : before + 5], block(x, torch.ones(2, 5, dtype=torch.bool)))
    ignored = block(torch.cat(pieces, dim=1), torch.ones(2, 8 + before, dtype=torch.bool))
    assert not torch.allclose(ignored[:, before : before + 5], padded[:, before : before + 5])


def test_gated_conv_is_the_same_block_without_its_scan(awake: Awake) -> None:
    with_scan = built(mixer="ssm", bidirectional=False).blocks[0]
    block = built(mixer="gated_conv").blocks[0]
    assert isinstance(block, Block)
    assert sum("wards" in name for name, _ in with_scan.named_parameters()) > 0
    assert sum("wards" in name for name, _ in block.named_parameters()) == 0
    awake(block)
    z = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(0))
    x, g = block.enter(block.norm(z)).chunk(2, dim=-1)
    x = silu(block.conv(x))
    expected = z + block.leave(block.inner_norm(x) * silu(g))
    close(block(z, torch.ones(2, 5, dtype=torch.bool)), expected)


def test_result_is_the_means_of_both_runs_and_a_learned_vector_for_a_missing_one(
    make: MakeFeatures, awake: Awake
) -> None:
    fusion = built()
    awake(fusion)
    image, text = make(3, 4), make(3, 5, seed=1)
    z = torch.cat([fusion.first(image.tokens) + fusion.modality[0],
                   fusion.second(text.tokens) + fusion.modality[1]], dim=1)  # fmt: skip
    z = fusion.blocks[0](z, torch.ones(3, 9, dtype=torch.bool))
    expected = torch.cat([z[:, :4].mean(dim=1), z[:, 4:].mean(dim=1)], dim=1)
    close(fusion(image, text).pooled, expected)
    gone = replace(text, present=torch.zeros_like(text.present))
    close(fusion(image, gone).pooled[:, 8:], fusion.no_second.vector.expand(3, -1))


def test_cross_gate_starts_at_a_half(make: MakeFeatures) -> None:
    image, text = make(3, 4), make(3, 5, seed=1)
    gated, plain = built(cross_gate=True).eval(), built().eval()
    plain.load_state_dict(gated.state_dict(), strict=False)
    close(gated(image, text).pooled, plain(image, text).pooled / 2)
    close(gated(image, text).explain["first_gate"], torch.full((3, 8), 0.5))


def test_many_image_tokens_are_pooled(make: MakeFeatures) -> None:
    lengths: list[int] = []
    fusion = built(image_tokens=16)
    fusion.blocks[0].register_forward_hook(lambda m, given, out: lengths.append(given[0].shape[1]))
    fusion(make(2, 64), make(2, 25, seed=1))
    assert lengths == [16 + 25]  # a text is no map, even one of 5 * 5 words


def test_mamba_ssm_is_refused_where_it_cannot_run() -> None:
    with pytest.raises(MmxError, match="mamba_ssm"):
        built(ssm="mamba_ssm")


def test_heads_that_do_not_fit_are_refused_in_the_spec() -> None:
    with pytest.raises(ValidationError, match="head_dim = 7 does not divide"):
        MambaParams(head_dim=7)
    with pytest.raises(ValidationError, match="multiple of 2"):
        MambaParams(dim=255)
