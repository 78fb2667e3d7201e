"""Laws of the fusions that were made for missing modalities, each against plain torch."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from scipy.special import rel_entr
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, cross_entropy

from mmx import Features
from mmx_plugins.fusion.drfuse import Drfuse, divergence, mean_in_probability
from mmx_plugins.fusion.healnet import Healnet
from mmx_plugins.fusion.medfuse import Medfuse
from mmx_plugins.fusion.mmtm import Mmtm
from mmx_plugins.fusion.shaspec import Shaspec

MakeFeatures = Callable[..., Features]
Awake = Callable[[nn.Module], nn.Module]
Given = dict[str, Features]
NAMES: tuple[str, ...] = ("image", "text", "record")
DIMS: dict[str, int] = dict.fromkeys(NAMES, 16)
close = torch.testing.assert_close


@pytest.fixture
def given(make: MakeFeatures) -> Given:
    return {name: make(3, 4 + k, seed=k, dtype=torch.float64) for k, name in enumerate(NAMES)}


def without(features: Features) -> Features:
    return replace(features, present=torch.zeros_like(features.present))


def lacking(given: Given, *names: str) -> Given:
    return {name: without(one) if name in names else one for name, one in given.items()}


def means(given: Given) -> Tensor:
    return torch.cat([one.tokens.mean(dim=1) for one in given.values()], dim=1)


def penalties_reach_only_what_is_there(fusion: nn.Module, given: Given) -> None:
    """Penalties of rows that lack a modality have no gradient there, and no other value."""
    results = []
    for content in (1.0, float("nan")):
        leaves, shown = {}, {}
        for k, (name, one) in enumerate(given.items()):
            here = torch.arange(3) != k
            filled = torch.where(here[:, None], one.pooled, torch.full_like(one.pooled, content))
            leaves[name] = filled.requires_grad_()
            shown[name] = replace(one, pooled=leaves[name]).with_present(here)
        found = fusion(shown).penalties
        torch.stack([*found.values()]).sum().backward()
        for k, leaf in enumerate(leaves.values()):
            assert leaf.grad is not None
            assert not leaf.grad[k].any()
            assert leaf.grad.any()
        results.append([value.item() for value in found.values()])
    assert results[0] == results[1]


def test_mmtm_starts_as_a_linear_map_of_the_means(given: Given) -> None:
    fusion = Mmtm(DIMS, 8).double()
    close(fusion(given).pooled, fusion.out(means(given)))


def test_mmtm_is_its_formula_and_gates_lie_below_two(given: Given, awake: Awake) -> None:
    fusion: Any = awake(Mmtm(DIMS, 8, ratio=3).double())
    assert fusion.squeeze.out_features == 2 * 48 // 3
    q = fusion.squeeze(means(given)).relu()
    y = []
    for name, one in given.items():
        gate = 2 * torch.sigmoid(fusion.excite[name](q))
        y.append((gate[:, None] * one.tokens).mean(dim=1))
    fused = fusion(given)
    close(fused.pooled, fusion.out(torch.cat(y, dim=1)))
    gates = torch.stack([fused.explain[f"gate_{name}"] for name in NAMES])
    assert ((gates > 0) & (gates < 2)).all()


def test_mmtm_has_no_order_of_tokens_and_zeros_for_what_is_missing(
    given: Given, awake: Awake
) -> None:
    fusion: Any = awake(Mmtm(DIMS, 8).double())
    turned = {**given, "image": Features(given["image"].tokens.flip(1), given["image"].mask)}
    close(fusion(turned).pooled, fusion(given).pooled)
    seen = means(given)
    seen[:, 16:32] = 0
    q = fusion.squeeze(seen).relu()
    wanted = 2 * torch.sigmoid(fusion.excite["image"](q))
    close(fusion(lacking(given, "text")).explain["gate_image"], wanted)


def test_shaspec_starts_as_a_concatenation_under_one_projection(given: Given) -> None:
    fusion = Shaspec(NAMES, 16, 8).double()
    tied = [fusion.shared(one.pooled) for one in given.values()]
    close(fusion(given).pooled, fusion.out(torch.cat(tied, dim=1)))


def test_shaspec_is_its_formula_and_shared_vectors_stand_in(given: Given, awake: Awake) -> None:
    fusion: Any = awake(Shaspec(NAMES, 16, 8).double())
    s = {name: fusion.shared(one.pooled) for name, one in given.items()}
    r = {name: fusion.specific[name](one.pooled) for name, one in given.items()}
    f = {name: s[name] + fusion.both(torch.cat([s[name], r[name]], dim=1)) for name in NAMES}
    close(fusion(given).pooled, fusion.out(torch.cat([*f.values()], dim=1)))
    some = torch.cat([f["image"], (s["image"] + s["record"]) / 2, f["record"]], dim=1)
    close(fusion(lacking(given, "text")).pooled, fusion.out(some))
    alone = torch.cat([f["image"], s["image"], s["image"]], dim=1)
    close(fusion(lacking(given, "text", "record")).pooled, fusion.out(alone))


def test_shaspec_penalises_what_is_there(given: Given, awake: Awake) -> None:
    fusion: Any = awake(Shaspec(NAMES, 16, 8, alignment=2.0, domain=3.0).double())
    s = [fusion.shared(one.pooled) for one in given.values()]
    r = [fusion.specific[name](one.pooled) for name, one in given.items()]
    gaps = [(s[i] - s[j]).abs().mean() for i, j in ((0, 1), (0, 2), (1, 2))]
    found = fusion(given).penalties
    close(found["alignment"], 2 * torch.stack(gaps).mean())
    logits = torch.cat([fusion.tell(one) for one in r])
    close(found["domain"], 3 * cross_entropy(logits, torch.arange(3).repeat_interleave(3)))
    pair = fusion(lacking(given, "text")).penalties
    close(pair["alignment"], 2 * gaps[1])
    two = torch.cat([fusion.tell(r[0]), fusion.tell(r[2])])
    close(pair["domain"], 3 * cross_entropy(two, torch.tensor([0, 0, 0, 2, 2, 2])))
    assert fusion(lacking(given, "text", "record")).penalties["alignment"] == 0
    penalties_reach_only_what_is_there(fusion, given)


def test_healnet_with_one_layer_and_modality_is_attention_pooling(
    given: Given, awake: Awake
) -> None:
    fusion: Any = Healnet(
        {NAMES[1]: 16}, 8, latents=1, depth=1, self_attention=False, heads=1, ffn=0
    ).double()
    awake(fusion)
    text = given["text"]
    layer = fusion.read["text"][0]
    k, v = layer.attention.key_value(layer.context_norm(text.tokens)).chunk(2, dim=-1)
    q = layer.attention.query(layer.norm(fusion.latents[0]))
    weights = (k @ q / 8**0.5).softmax(dim=1)
    read = layer.attention.out(torch.einsum("bn,bnd->bd", weights, v))
    fused = fusion({"text": text})
    close(fused.pooled, fusion.norm(fusion.latents + read))
    close(fused.explain["latents_read_text_0"][:, 0], weights.float())


@pytest.mark.parametrize("self_attention", [False, True])
def test_a_row_that_lacks_a_modality_is_one_of_a_healnet_without_it(
    given: Given, awake: Awake, self_attention: bool
) -> None:
    three: Any = awake(Healnet(DIMS, 8, self_attention=self_attention).double())
    two: Any = Healnet({NAMES[0]: 16, NAMES[2]: 16}, 8, self_attention=self_attention).double()
    two.eval().load_state_dict(
        {name: value for name, value in three.state_dict().items() if ".text." not in name}
    )
    pair = {name: given[name] for name in ("image", "record")}
    close(three(lacking(given, "text")).pooled, two(pair).pooled)
    present = torch.tensor([True, False, True])
    mixed = three({**given, "text": given["text"].with_present(present)}).pooled
    close(mixed[1], two(pair).pooled[1])
    close(mixed[0], three(given).pooled[0])


def test_healnet_reads_all_modalities_as_often_as_it_is_deep(given: Given) -> None:
    found = Healnet(DIMS, 8, depth=3).double().eval()(given).explain
    assert set(found) == {f"latents_read_{name}_{k}" for name in NAMES for k in range(3)}


def test_medfuse_is_torchs_recurrent_network_over_what_is_present(given: Given) -> None:
    fusion = Medfuse(16, 8).double()
    theirs = nn.LSTM(16, 8, batch_first=True).double()
    theirs.load_state_dict({f"{k}_l0": v for k, v in fusion.cell.state_dict().items()})
    for names in (NAMES, ("image", "record"), ("text",)):
        steps = torch.stack([given[name].pooled for name in names], dim=1)
        absent = [name for name in NAMES if name not in names]
        close(fusion(lacking(given, *absent)).pooled, theirs(steps)[0][:, -1])
        if len(names) > 1:
            turned = theirs(steps.flip(1))[0][:, -1]
            assert not torch.allclose(turned, theirs(steps)[0][:, -1])
    assert not fusion(lacking(given, *NAMES)).pooled.any()


def test_drfuse_is_its_formula(given: Given, awake: Awake) -> None:
    fusion: Any = awake(Drfuse(NAMES, 16, 8).double())
    for absent in ((), ("text",), ("text", "record")):
        here = [name for name in NAMES if name not in absent]
        s = torch.stack([fusion.shared(given[name].pooled) for name in here])
        shared = s.sigmoid().mean(dim=0).logit()
        own = [fusion.own[name](given[name].pooled) for name in here]
        tokens = torch.stack([*own, shared], dim=1)
        weights = (fusion.key(tokens) @ fusion.query / 8**0.5).softmax(dim=1)
        fused = fusion(lacking(given, *absent))
        close(fused.pooled, torch.einsum("bt,btd->bd", weights, fusion.value(tokens)))
        close(fused.parts["shared"], shared)
        for name in absent:
            assert not fused.parts[name].any()
            assert not fused.explain[f"weight_{name}"].any()
    close(fused.parts["shared"], s[0])  # one alone is shared as it is


def test_the_shared_vector_is_that_of_the_release_for_two() -> None:
    a, b = torch.randn(2, 4, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    shared = mean_in_probability(torch.stack([a, b], dim=1), torch.ones(4, 2, dtype=torch.bool))
    # log(e^a + e^b + 2 e^(a+b)) - log(2 + e^a + e^b)
    theirs = torch.logsumexp(torch.stack([a, b, a + b + torch.tensor(2.0).log()]), dim=0)
    two = torch.full_like(a, 2.0).log()
    close(shared, theirs - torch.logsumexp(torch.stack([two, a, b]), dim=0))
    far = mean_in_probability(torch.full((1, 2, 1), 800.0), torch.ones(1, 2, dtype=torch.bool))
    assert far.isfinite().all()


def test_the_divergence_is_scipys_and_zero_for_equals_alone() -> None:
    a, b = 2 * torch.randn(2, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    p, q = a.sigmoid(), b.sigmoid()
    middle = (p + q) / 2
    of_one, of_zero = (
        rel_entr(x.numpy(), m.numpy()) + rel_entr(y.numpy(), m.numpy())
        for x, y, m in ((p, q, middle), (1 - p, 1 - q, 1 - middle))
    )
    close(divergence(a, b), torch.from_numpy((of_one + of_zero) / 2))
    assert (divergence(a, b) > 0).all()
    close(divergence(a, a), torch.zeros_like(a))
    extreme = torch.tensor([1e4, -1e4], requires_grad=True)
    divergence(extreme, -extreme.detach()).sum().backward()
    assert extreme.grad is not None
    assert extreme.grad.isfinite().all()


def test_drfuse_penalises_what_is_there(given: Given, awake: Awake) -> None:
    fusion: Any = awake(Drfuse(NAMES, 16, 8, align=2.0, distinct=3.0).double())
    s = [fusion.shared(one.pooled) for one in given.values()]
    r = [fusion.own[name](one.pooled) for name, one in given.items()]
    found = fusion(given).penalties
    gaps = [divergence(s[i], s[j]).mean() for i, j in ((0, 1), (0, 2), (1, 2))]
    close(found["align"], 2 * torch.stack(gaps).mean())
    cosines = cosine_similarity(torch.stack(s), torch.stack(r), dim=2)
    close(found["distinct"], 3 * cosines.abs().mean())
    pair = fusion(lacking(given, "record")).penalties
    close(pair["align"], 2 * gaps[0])
    close(pair["distinct"], 3 * cosines[:2].abs().mean())
    assert fusion(lacking(given, "text", "record")).penalties["align"] == 0
    penalties_reach_only_what_is_there(fusion, given)
