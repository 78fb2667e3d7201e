"""Laws of narrative.sparse."""

from collections.abc import Callable

import pytest

import mmx
from mmx import Sample
from mmx_plugins.narratives.column import ColumnParams
from mmx_plugins.narratives.sparse import SparseParams

WORDS = [f"word{number}" for number in range(40)]
SAMPLES = [Sample(str(n), str(n), record={"text": " ".join(WORDS)}) for n in range(200)]


def written(drop: float) -> list[list[str]]:
    narrative = SparseParams(inner=ColumnParams(column="text"), drop=drop).build(None)
    narrative.fit(SAMPLES)
    return [text.split() for text in narrative.write_all(SAMPLES)]


def test_dropping_nothing_is_the_inner_narrative_and_dropping_all_is_no_text() -> None:
    assert written(0.0) == [WORDS] * len(SAMPLES)
    assert written(1.0) == [[]] * len(SAMPLES)


@pytest.mark.parametrize("drop", [0.1, 0.5, 0.9])
def test_the_share_is_kept_and_the_order_of_words_stays(drop: float) -> None:
    texts = written(drop)
    kept = sum(map(len, texts)) / (len(SAMPLES) * len(WORDS))
    assert kept == pytest.approx(1 - drop, abs=0.02)
    assert all(text == [word for word in WORDS if word in text] for text in texts)


def test_what_goes_early_is_gone_later_and_samples_differ() -> None:
    half, most = written(0.5), written(0.9)
    assert all(set(few) <= set(more) for few, more in zip(most, half, strict=True))
    assert half[0] != half[1]


def test_one_at_a_time_is_the_same() -> None:
    narrative = SparseParams(inner=ColumnParams(column="text")).build(None)
    assert [narrative.write(sample) for sample in SAMPLES] == list(narrative.write_all(SAMPLES))


def test_it_wraps_any_narrative_of_a_spec(load: Callable[..., mmx.Spec]) -> None:
    spec = load("data.narrative={type: sparse, inner: {type: column, column: text}, drop: 0.9}")
    assert all(len(sample.text.split()) < 8 for sample in mmx.narratives(spec, 12))
    inner = "inner: {type: rangm, level: oracle}"
    with pytest.raises(mmx.SpecError, match="LEAKY"):
        load(f"data.narrative={{type: sparse, {inner}}}")
