"""The rule by which a fusion of two serves a model of more: laws J1 to J4."""

from collections.abc import Sequence
from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from mmx import Features, FeatureShape, PairFusion, PairFusionParams, PluginError, ShapeError
from mmx.blocks import fused_vector, join, joined_shape, real_pooled, real_tokens, state_digest

THREE = ("image", "text", "record")
TOKENS = {"image": 4, "text": 5, "record": 2}
close = torch.testing.assert_close


class AttendParams(PairFusionParams):
    """Both sides by their means, and the first reads the second."""

    type: Literal["attend"] = "attend"

    def build_pair(self, first: FeatureShape, second: FeatureShape) -> "Attend":
        return Attend(first.dim, second.dim)


class Attend(PairFusion):
    def __init__(self, first: int, second: int) -> None:
        super().__init__()
        self.dim, self.score, self.out = 6, nn.Linear(first, second), nn.Linear(first + second, 6)

    def forward(self, first: Features, second: Features) -> Features:
        (a, _), (t, mask) = real_tokens(first), real_tokens(second)
        scores = (self.score(a) @ t.mT).masked_fill(~mask[:, None], -1e9)
        weights = scores.softmax(dim=2).masked_fill(~mask[:, None], 0)
        read = (weights @ t).mean(dim=1)
        fused = self.out(torch.cat([real_pooled(first), read + real_pooled(second)], dim=1))
        explain = {
            "first_reads_second_0": weights, "second_reads_first": weights.mT,
            "second_reads_second": t @ t.mT, "second_gate": read, "temperature": read,
        }  # fmt: skip
        parts = {"first": real_pooled(first), "second": read, "read": read}
        return fused_vector(fused, first, second, parts=parts, explain=explain)


def features(name: str, rows: int = 3, width: int = 8) -> Features:
    generator = torch.Generator().manual_seed(THREE.index(name))
    tokens = torch.randn(rows, TOKENS[name], width, generator=generator, dtype=torch.float64)
    mask = torch.arange(TOKENS[name]) < torch.arange(rows)[:, None] + 1
    return Features(tokens, mask)


@pytest.fixture
def given() -> dict[str, Features]:
    return {name: features(name) for name in THREE}


def built(names: Sequence[str] = THREE, **settings: object) -> nn.Module:
    torch.manual_seed(0)
    params = AttendParams.model_validate(settings)
    return params.build(dict.fromkeys(names, FeatureShape(8))).double()


def marked(fusion: nn.Module) -> nn.Module:
    with torch.no_grad():
        fusion.marks.copy_(torch.arange(16.0).view(2, 8) / 16)  # type: ignore[operator, union-attr]
    return fusion


def absent(one: Features) -> Features:
    return one.with_present(torch.zeros_like(one.present))


def test_one_other_is_the_fusion_of_two_itself(given: dict[str, Features]) -> None:
    fusion = built(THREE[:2])
    torch.manual_seed(0)
    plain = Attend(8, 8).double()
    assert state_digest(fusion.pair) == state_digest(plain)  # type: ignore[arg-type]
    assert len(list(fusion.parameters())) == len(list(plain.parameters()))
    fused = fusion({name: given[name] for name in THREE[:2]})
    assert torch.equal(fused.pooled, plain(given["image"], given["text"]).pooled)
    assert torch.equal(fused.parts["text"], fused.parts["read"])


def test_with_more_the_first_weights_are_drawn_alike_and_marks_start_at_zero() -> None:
    two, three = built(THREE[:2]), built()
    same = dict(two.named_parameters())
    for name, value in three.named_parameters():
        if name == "marks":
            assert not value.any()
            assert value.shape == (2, 8)
        else:
            assert torch.equal(value, same[name])


def test_others_are_joined_as_the_rule_says(given: dict[str, Features]) -> None:
    given["record"] = given["record"].with_present(torch.tensor([True, False, True]))
    fusion = marked(built())
    e_t, e_r = fusion.marks  # type: ignore[misc]
    text, record = given["text"], given["record"]
    here = record.present[:, None].double()
    pooled = (text.pooled + e_t + here * (record.pooled + e_r)) / (1 + here)
    joined = Features(
        torch.cat([text.tokens + e_t, record.tokens + e_r], dim=1),
        torch.cat([text.mask, record.mask & record.present[:, None]], dim=1),
        pooled,
    )
    close(fusion(given).pooled, fusion.pair(given["image"], joined).pooled)  # type: ignore[operator]


def test_an_everywhere_absent_modality_and_the_order_of_the_others_change_nothing(
    given: dict[str, Features],
) -> None:
    two, three = built(THREE[:2]), built()
    pair = {name: given[name] for name in THREE[:2]}
    close(three({**given, "record": absent(given["record"])}).pooled, two(pair).pooled)
    three, turned = marked(three), built(("image", "record", "text"))
    with torch.no_grad():
        turned.marks.copy_(three.marks.flip(0))  # type: ignore[operator, union-attr]
    other = {name: given[name] for name in ("image", "record", "text")}
    close(turned(other).pooled, three(given).pooled)


@pytest.mark.parametrize("pattern", range(8))
def test_nothing_of_an_absent_modality_passes_and_no_gradient_reaches_it(
    given: dict[str, Features], pattern: int
) -> None:
    fusion = marked(built())
    here = {name: bool(pattern >> k & 1) for k, name in enumerate(THREE)}
    results = []
    for content in (1.0, float("nan")):
        shown, leaves = {}, {}
        for name, one in given.items():
            tokens = one.tokens if here[name] else torch.full_like(one.tokens, content)
            leaves[name] = tokens.clone().requires_grad_()
            whole = Features(leaves[name], one.mask)
            shown[name] = whole if here[name] else absent(whole)
        fused = fusion(shown)
        total = fused.pooled.sum() + sum(part.sum() for part in fused.parts.values())
        total.backward()
        assert fused.present.all() == any(here.values())
        for name, leaf in leaves.items():
            assert here[name] or leaf.grad is None or not leaf.grad.any()
        results.append(fused)
    assert results[0].pooled.isfinite().all()
    assert torch.equal(results[0].pooled, results[1].pooled)


def test_parts_and_explanations_carry_names_and_attention_is_cut(
    given: dict[str, Features],
) -> None:
    fused = built()(given)
    assert set(fused.parts) == {*THREE, "read"}
    close(fused.parts["record"], given["record"].pooled)
    shapes = {name: tuple(value.shape[1:]) for name, value in fused.explain.items()}
    assert shapes == {
        "image_reads_text_0": (4, 5), "image_reads_record_0": (4, 2),
        "text_reads_image": (5, 4), "record_reads_image": (2, 4),
        "text_reads_text": (5, 5), "text_reads_record": (5, 2),
        "record_reads_text": (2, 5), "record_reads_record": (2, 2),
        "text+record_gate": (8,), "temperature": (8,),
    }  # fmt: skip
    pieces = [fused.explain[f"image_reads_{name}_0"] for name in THREE[1:]]
    close(torch.cat(pieces, dim=2).sum(dim=2), torch.ones(3, 4, dtype=torch.float64))
    two = built(THREE[:2])({name: given[name] for name in THREE[:2]})
    assert {"image_reads_text_0", "text_gate", "temperature"} <= set(two.explain)


def test_sides_are_chosen_by_name_and_what_is_not_chosen_is_never_read(
    given: dict[str, Features],
) -> None:
    params = AttendParams(first="text", second=("image",))
    assert params.used(THREE) == ("image", "text")
    fusion = built(first="text", second=["image"])
    changed = {**given, "record": features("record", width=8).with_present(torch.zeros(3).bool())}
    assert torch.equal(fusion(changed).pooled, fusion(given).pooled)
    assert set(fusion(given).explain) >= {"text_reads_image_0"}
    assert AttendParams(second=("record", "text")).picked(THREE) == ("image", ("text", "record"))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"first": "clinic"}, "no modality 'clinic'; modalities of this model: image, text, rec"),
        ({"second": ["txt"]}, "no modality 'txt'"),
        ({"second": ["image", "text"]}, "got first: image, second: image, text"),
    ],
)
def test_names_that_do_not_fit_are_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        AttendParams.model_validate(settings).build(dict.fromkeys(THREE, FeatureShape(8)))


def test_joined_modalities_of_several_widths_are_refused_with_the_way_out() -> None:
    shapes = {"image": FeatureShape(4), "text": FeatureShape(8), "record": FeatureShape(6)}
    with pytest.raises(ShapeError, match=r"got text 8, record 6; set model\.projection"):
        AttendParams().build(shapes)


def test_something_else_than_a_fusion_of_two_is_refused() -> None:
    class WrongAnswer(AttendParams):
        def build_pair(self, first: FeatureShape, second: FeatureShape) -> "Attend":
            return nn.Linear(2, 2)  # type: ignore[return-value]

    with pytest.raises(PluginError, match="gave a Linear; return an instance .* mmx.PairFusion"):
        WrongAnswer().build(dict.fromkeys(THREE, FeatureShape(8)))


def with_levels(one: Features, count: int) -> Features:
    levels = tuple(Features(one.tokens + 10 * k, one.mask) for k in range(1, count + 1))
    return Features(one.tokens, one.mask, levels=levels)


def first_of(levels: Sequence[Features]) -> list[Tensor]:
    return [level.tokens[0, 0, 0] for level in levels]


def test_levels_are_joined_at_the_same_depth_and_tokens_stand_where_there_are_none(
    given: dict[str, Features],
) -> None:
    deep, shallow, none = (
        with_levels(given[name], n) for name, n in zip(THREE, (3, 2, 0), strict=True)
    )
    joined = join([deep, shallow, none], torch.zeros(3, 8, dtype=torch.float64))
    start, end = deep.tokens.shape[1], deep.tokens.shape[1] + shallow.tokens.shape[1]
    assert len(joined.levels) == 3
    for k, (of_deep, of_shallow) in enumerate(((0, 0), (1, 1), (2, 1))):
        level = joined.levels[k]
        close(level.tokens[0, 0], deep.levels[of_deep].tokens[0, 0])
        close(level.tokens[0, start], shallow.levels[of_shallow].tokens[0, 0])
        close(level.tokens[0, end], none.tokens[0, 0])
    shapes = {
        "a": FeatureShape(8, (4, 6, 8)), "b": FeatureShape(8, (4, 6, 8)),
    }  # fmt: skip
    assert joined_shape(shapes) == FeatureShape(8, (4, 6, 8))
    assert joined_shape({"a": FeatureShape(8, (8, 8)), "b": FeatureShape(8)}).level_dims == (8, 8)
    with pytest.raises(ShapeError, match="same width, got a 4, b 8"):
        joined_shape({"a": FeatureShape(8, (4, 8)), "b": FeatureShape(8, (8, 8))})


def test_joined_levels_of_other_widths_carry_no_mark() -> None:
    level = Features(torch.zeros(2, 1, 4), torch.ones(2, 1, dtype=torch.bool))
    one = Features(torch.zeros(2, 1, 8), torch.ones(2, 1, dtype=torch.bool), levels=(level,))
    joined = join([one, one], torch.ones(2, 8))
    close(joined.tokens, torch.ones(2, 2, 8))
    close(joined.levels[0].tokens, torch.zeros(2, 2, 4))
