"""Laws of late fusion."""

from itertools import permutations

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from mmx import FeatureShape, ShapeError
from mmx.blocks import Cumulative, Sigmoid
from mmx_plugins.fusion.late import Late, LateParams, Rule

NAMES: tuple[str, ...] = ("image", "text", "record")
G = torch.Generator().manual_seed(0)
Z = {name: torch.randn(4, 5, generator=G, dtype=torch.float64) for name in NAMES}
TWO = {name: Z[name] for name in NAMES[:2]}
RULES: list[Rule] = ["mean_prob", "mean_logit", "product", "bayes"]
close = torch.testing.assert_close
every_rule = pytest.mark.parametrize("rule", RULES)


def late(
    rule: Rule, count: int = 2, *, weights: object = None, temperatures: object = None
) -> Late:
    fusion = Late(
        rule,
        weights=weights or [1.0] * count,  # type: ignore[arg-type]
        temperatures=temperatures or [1.0] * count,  # type: ignore[arg-type]
    )
    return fusion.double()


def everywhere(logits: dict[str, Tensor]) -> Tensor:
    return torch.ones(4, len(logits), dtype=torch.bool)


def normalised(p: Tensor) -> Tensor:
    return p / p.sum(dim=1, keepdim=True)


def test_each_rule_is_its_formula_for_two() -> None:
    z_i, z_t = TWO.values()
    p, q = z_i.softmax(dim=1), (z_t / 2).softmax(dim=1)

    def mixed(rule: Rule) -> Tensor:
        fusion = late(rule, weights=[3, 7], temperatures=[1.0, 2.0])
        return fusion.combine(TWO, everywhere(TWO)).exp()

    close(mixed("mean_prob"), 0.3 * p + 0.7 * q)
    close(mixed("mean_logit"), (0.3 * z_i + 0.7 * z_t / 2).softmax(dim=1))
    product = p * z_t.softmax(dim=1)
    close(late("product").combine(TWO, everywhere(TWO)).exp(), normalised(product))


def test_each_rule_is_its_formula_for_three() -> None:
    p = [one.softmax(dim=1) for one in Z.values()]
    shares = [0.5, 0.3, 0.2]

    def mixed(rule: Rule) -> Tensor:
        return late(rule, 3, weights=shares).combine(Z, everywhere(Z)).exp()

    close(mixed("mean_prob"), sum(w * one for w, one in zip(shares, p, strict=True)))
    logits = sum(w * one for w, one in zip(shares, Z.values(), strict=True))
    assert isinstance(logits, Tensor)
    close(mixed("mean_logit"), logits.softmax(dim=1))
    close(mixed("product"), normalised(p[0] ** 1.5 * p[1] ** 0.9 * p[2] ** 0.6))


@pytest.mark.parametrize("rule", ["mean_prob", "mean_logit"])
def test_equal_decisions_give_that_decision(rule: Rule) -> None:
    alike = dict.fromkeys(NAMES, Z["image"])
    close(late(rule, 3).combine(alike, everywhere(alike)), Z["image"].log_softmax(dim=1))


@pytest.mark.parametrize("rule", ["product", "bayes"])
def test_equal_decisions_are_sharpened_by_a_product(rule: Rule) -> None:
    alike = dict.fromkeys(NAMES, Z["image"])
    got = late(rule, 3).combine(alike, everywhere(alike)).exp()
    assert (got.amax(dim=1) > Z["image"].softmax(dim=1).amax(dim=1)).all()


@every_rule
@pytest.mark.parametrize("name", NAMES)
def test_one_modality_alone_decides_exactly(rule: Rule, name: str) -> None:
    logits = {m: z if m == name else torch.full_like(z, torch.nan) for m, z in Z.items()}
    present = torch.tensor([m == name for m in NAMES]).expand(4, 3)
    fusion = late(rule, 3, weights=() if rule == "bayes" else [0.2, 0.3, 0.5])
    fusion.start(torch.tensor([0.1, 0.2, 0.3, 0.2, 0.2], dtype=torch.float64))
    close(fusion.combine(logits, present), Z[name].log_softmax(dim=1))


@every_rule
def test_an_everywhere_absent_modality_and_the_order_change_nothing(rule: Rule) -> None:
    fusion = late(rule, 3)
    fusion.start(torch.tensor([0.1, 0.2, 0.3, 0.2, 0.2], dtype=torch.float64))
    two = late(rule)
    two.start(torch.tensor([0.1, 0.2, 0.3, 0.2, 0.2], dtype=torch.float64))
    absent = torch.tensor([True, True, False]).expand(4, 3)
    close(fusion.combine(Z, absent), two.combine(TWO, everywhere(TWO)))
    wanted = fusion.combine(Z, everywhere(Z))
    for order in permutations(NAMES):
        close(fusion.combine({name: Z[name] for name in order}, everywhere(Z)), wanted)


def test_bayes_is_the_exact_posterior_of_independent_modalities() -> None:
    """Three discrete observations, independent given the class: p(c | a, b, r) by counting."""
    prior = torch.tensor([0.5, 0.2, 0.2, 0.1], dtype=torch.float64)
    given_class = [torch.rand(4, n, generator=G, dtype=torch.float64) for n in (3, 4, 2)]
    given_class = [p / p.sum(dim=1, keepdim=True) for p in given_class]
    joint = torch.einsum("c,ca,cb,cr->abrc", prior, *given_class)
    posterior = joint / joint.sum(dim=-1, keepdim=True)
    single = [prior[:, None] * p for p in given_class]
    single = [(p / p.sum(dim=0)).T for p in single]  # p(c | a), [values, classes]
    fusion = late("bayes", 3)
    fusion.start(7 * prior)  # up to a factor
    places = torch.cartesian_prod(*[torch.arange(len(p)) for p in single])
    logits = {
        name: single[k][places[:, k]].log() + 3.0  # logits are log p up to a constant
        for k, name in enumerate(NAMES)
    }
    present = torch.ones(len(places), 3, dtype=torch.bool)
    wanted = posterior[tuple(places.T)]
    close(fusion.combine(logits, present).exp(), wanted, atol=1e-12, rtol=1e-12)
    present[:, 1] = False
    pair = joint.sum(dim=1)
    pair = (pair / pair.sum(dim=-1, keepdim=True))[places[:, 0], places[:, 2]]
    close(fusion.combine(logits, present).exp(), pair, atol=1e-12, rtol=1e-12)
    nothing = fusion.combine(logits, torch.zeros_like(present)).exp()
    close(nothing, prior.expand_as(nothing))


def test_bayes_without_a_prior_takes_all_classes_for_equally_common() -> None:
    got = late("bayes").combine(TWO, everywhere(TWO))
    close(got, late("product").combine(TWO, everywhere(TWO)))


@every_rule
def test_results_are_log_probabilities_even_at_huge_logits(rule: Rule) -> None:
    logits = {name: (z * 1e4).requires_grad_() for name, z in Z.items()}
    log_p = late(rule, 3).combine(logits, everywhere(Z))
    close(log_p.exp().sum(dim=1), torch.ones(4, dtype=torch.float64))
    log_p.max(dim=1).values.sum().backward()
    for one in logits.values():
        assert one.grad is not None
        assert one.grad.isfinite().all()


def test_mean_of_logits_of_linear_heads_is_a_linear_head_on_the_concatenation() -> None:
    x = {"image": torch.randn(4, 3, generator=G), "text": torch.randn(4, 6, generator=G)}
    of_image, of_text, whole = nn.Linear(3, 5), nn.Linear(6, 5), nn.Linear(9, 5)
    with torch.no_grad():
        whole.weight.copy_(torch.cat([of_image.weight, of_text.weight], dim=1) / 2)
        whole.bias.copy_((of_image.bias + of_text.bias) / 2)
    logits = {"image": of_image(x["image"]), "text": of_text(x["text"])}
    got = late("mean_logit").combine(logits, everywhere(TWO))
    close(got, whole(torch.cat([*x.values()], dim=1)).log_softmax(dim=1), atol=1e-5, rtol=1e-5)


PREVALENCE = torch.tensor([0.5, 0.1, 0.02], dtype=torch.float64)
LABELS = {name: torch.randn(4, 3, generator=G, dtype=torch.float64) for name in NAMES}
SOME = torch.tensor([[True] * 3, [True, False, True], [False, True, False], [False] * 3])


@every_rule
def test_several_labels_are_mixed_one_by_one(rule: Rule) -> None:
    link, fusion, one = Sigmoid(3), late(rule, 3), late(rule, 3)
    shares = torch.stack([1 - PREVALENCE, PREVALENCE], dim=-1)
    fusion.start(shares)
    got = fusion.combine({name: link.log_probs(z) for name, z in LABELS.items()}, SOME)
    for label in range(3):
        one.start(shares[label])
        of_label = {name: link.log_probs(z[:, label]) for name, z in LABELS.items()}
        close(got[:, label], one.combine(of_label, SOME))


def test_bayes_of_labels_counts_the_prevalence_once() -> None:
    link, fusion = Sigmoid(3), late("bayes", 3)
    fusion.start(torch.stack([1 - PREVALENCE, PREVALENCE], dim=-1))
    mixed = fusion.combine({name: link.log_probs(z) for name, z in LABELS.items()}, SOME)
    z = torch.stack([*LABELS.values()], dim=1)
    wanted = torch.einsum("bml,bm->bl", z, SOME.double())
    wanted = wanted - (SOME.sum(dim=1, keepdim=True) - 1) * PREVALENCE.logit()
    close(link.logits(mixed), wanted)
    close(link.logits(mixed)[3], PREVALENCE.logit())  # nothing is there: the prevalence


@every_rule
def test_levels_are_mixed_by_their_probabilities(rule: Rule) -> None:
    link = Cumulative(torch.tensor([40, 30, 20, 10])).double()
    f = {name: torch.randn(4, 1, generator=G, dtype=torch.float64) for name in NAMES}
    levels = {name: link.log_probs(link(one)) for name, one in f.items()}
    shares = torch.tensor([0.4, 0.3, 0.2, 0.1], dtype=torch.float64)
    fusion, of_classes = late(rule, 3), late(rule, 3)
    fusion.start(shares)
    of_classes.start(shares)
    mixed = fusion.combine(levels, SOME)
    close(mixed, of_classes.combine(levels, SOME))
    close(link.log_probs(link.logits(mixed)), mixed)
    alone = link.logits(fusion.combine(levels, torch.tensor([True, False, False]).expand(4, 3)))
    close(alone, link(f["image"]))  # one modality alone decides exactly


def built(names: tuple[str, ...], **settings: object) -> Late:
    return LateParams.model_validate(settings).build(dict.fromkeys(names, FeatureShape(8)))


def test_short_forms_of_image_and_text_are_the_long_ones() -> None:
    two = NAMES[:2]
    short = built(two, image_weight=0.3, text_temperature=2.0)
    long = built(two, weights={"image": 0.3, "text": 0.7}, temperatures={"text": 2.0})
    for fusion in (short, long):
        assert fusion.weights == pytest.approx([0.3, 0.7])
        assert fusion.temperatures == (1.0, 2.0)
    assert built(NAMES).weights == pytest.approx([1 / 3] * 3)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"weights": {"image": 1, "txt": 1}}, "no modality 'txt'; modalities of this model: image"),
        ({"weights": {"image": 1, "text": 1}}, "no weight of record"),
        ({"image_weight": 0.4}, "no weight of record"),
        ({"temperatures": {"clinic": 2}}, "no modality 'clinic'"),
    ],
)
def test_weights_that_do_not_fit_the_model_are_refused(
    settings: dict[str, object], words: str
) -> None:
    with pytest.raises(ShapeError, match=words):
        built(NAMES, **settings)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"weights": {"image": 1}, "image_weight": 0.4}, "short for weights"),
        ({"temperatures": {"text": 2}, "text_temperature": 3}, "short for temperatures"),
        ({"rule": "bayes", "image_weight": 0.4}, "bayes has no weights"),
    ],
)
def test_what_is_said_twice_or_means_nothing_is_refused(
    settings: dict[str, object], words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        LateParams.model_validate(settings)
