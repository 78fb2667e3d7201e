"""What a head sees has one scale, whatever the fusion, so that methods differ by content alone."""

from collections.abc import Callable
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import mmx
from mmx import Features, FeatureShape, FusionParams
from mmx.blocks import Softmax
from mmx.interfaces import DecisionFusion
from mmx.model import assemble
from mmx.model.head_norm import HeadNorm
from mmx.plugins import find
from mmx.testing.spread import spread_of

WIDTH, SAMPLES = 48, 128
SHAPE = FeatureShape(WIDTH, (WIDTH, WIDTH))
OUTSIDE = Path(__file__).parents[3] / "examples" / "plugin" / "src" / "mmx_mutan" / "mutan.py"
FUSIONS = [one.key for one in mmx.Plugins().installed() if one.key.startswith("fusion.")]
# they read one side, or change an image by a text: without it there is nothing to tell apart
NOTHING_LEFT = {
    ("fusion.only", "image"),
    ("fusion.image_only", "image"),
    ("fusion.text_only", "text"),
    ("fusion.film", "image"),
}


@cache
def settings(key: str) -> FusionParams:
    if key == "outside":
        found = spec_from_file_location("mutan", OUTSIDE)
        assert found is not None
        assert found.loader is not None
        module = module_from_spec(found)
        found.loader.exec_module(module)
        params = module.mmx_components()[0]
    else:
        params = find("fusion", key.partition(".")[2])
    return params()  # type: ignore[no-any-return]


def drawn(seed: int, *, common: float = 0.0) -> Features:
    """Random features of samples, around a vector that all of them share."""
    generator = torch.Generator().manual_seed(seed)
    around = common * torch.randn(WIDTH, generator=generator)
    own = torch.randn(SAMPLES, 1, WIDTH, generator=generator) + around  # what its tokens share

    def one(tokens: int) -> Features:
        values = own + 0.3 * torch.randn(SAMPLES, tokens, WIDTH, generator=generator)
        return Features(values, torch.ones(SAMPLES, tokens, dtype=torch.bool))

    whole = one(9)
    return Features(whole.tokens, whole.mask, levels=(one(4), one(4)))


def head_sees(key: str, image: Features, text: Features, seed: int = 0) -> Tensor:
    """What the head reads of a fusion at its start; of decisions, the image's head."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fusion = settings(key).build({"image": SHAPE, "text": SHAPE})
    with torch.no_grad():
        if isinstance(fusion, DecisionFusion):
            return HeadNorm(WIDTH)(image).pooled
        return HeadNorm(fusion.dim)(fusion.eval()({"image": image, "text": text})).pooled


@pytest.mark.parametrize("key", [*FUSIONS, "outside"])
def test_what_the_head_sees_spreads_alike_under_every_fusion(key: str) -> None:
    for seed in range(3):
        found = spread_of(head_sees(key, drawn(seed), drawn(seed + 10), seed))
        assert 0.5 <= found <= 2


def test_where_samples_hardly_differ_all_fusions_are_within_a_factor_of_two() -> None:
    given = drawn(0, common=2), drawn(10, common=2)
    found = {key: spread_of(head_sees(key, *given)) for key in FUSIONS}
    assert max(found.values()) < 2 * min(found.values()), found


@pytest.mark.parametrize("absent", ["image", "text"])
@pytest.mark.parametrize("key", FUSIONS)
def test_with_one_side_absent_the_other_still_tells_samples_apart(key: str, absent: str) -> None:
    image, text = drawn(0), drawn(10)
    none = torch.zeros(SAMPLES, dtype=torch.bool)
    if absent == "image":
        image = image.with_present(none)
    else:
        text = text.with_present(none)
    if key == "fusion.late" and absent == "image":
        return  # the other head answers
    found = spread_of(head_sees(key, image, text))
    if (key, absent) in NOTHING_LEFT:
        assert found < 1e-6
    else:
        assert 0.5 <= found <= 2


def test_ten_times_the_numbers_are_the_same_to_a_head() -> None:
    numbers = 0.053 * torch.randn(SAMPLES, WIDTH, generator=torch.Generator().manual_seed(0))
    norm = HeadNorm(WIDTH)  # 0.053: the smallest spread of the box, that of mlb
    small, large = (norm(Features.of_pooled(times * numbers)).pooled for times in (1, 10))
    assert float((small - large).detach().abs().max()) <= 2e-3


def test_pooled_and_tokens_meet_one_norm_and_a_single_token_stays_the_pooled_vector() -> None:
    norm = HeadNorm(WIDTH)
    nn.init.normal_(norm.norm.weight)
    one = norm(Features.of_pooled(torch.randn(3, WIDTH)))
    assert torch.equal(one.tokens[:, 0], one.pooled)
    several = drawn(0)
    torch.testing.assert_close(norm(several).pooled, norm.norm(several.pooled))
    torch.testing.assert_close(norm(several).tokens, norm.norm(several.tokens))


@pytest.mark.parametrize("fusion", ["concat", "late"])
def test_a_spec_can_leave_the_norm_out(load: Callable[..., mmx.Spec], fusion: str) -> None:
    widths = {}
    for norm in ("layer", "none"):
        spec = load(f"model.fusion={fusion}", f"model.head_norm={norm}")
        model = assemble(spec.model, Softmax(3))
        widths[norm] = {name: p.numel() for name, p in model.named_parameters()}
    names = ["fused"] if fusion == "concat" else ["image", "text"]
    added = {f"norms.{name}.norm.{what}" for name in names for what in ("weight", "bias")}
    assert widths["layer"].keys() - widths["none"].keys() == added
