"""Laws of narrative.rangm: what each level knows, and what it never sees."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import mmx
from mmx import Sample
from mmx.data import make_split, read_manifest, write_texts
from mmx.interfaces import Value
from mmx_plugins.datasets.ham10000 import Ham10000Params
from mmx_plugins.narratives.rangm import SYMPTOMS, RangmParams, symptom_of
from mmx_plugins.narratives.template import TemplateParams
from mmx_plugins.tasks.single_label import SingleLabelParams

LEVELS = ["meta", "visual", "retrieved"]


class Drawn:
    """A computed picture: a disc of one colour."""

    def __init__(self, number: int) -> None:
        self.number = number

    @property
    def key(self) -> str:
        return f"disc {self.number}"

    def pixels(self) -> np.ndarray:
        generator = np.random.default_rng(self.number)
        y, x = np.mgrid[:48, :48] - 23.5
        pixels = np.full((48, 48, 3), (235, 190, 175), dtype=np.uint8)
        pixels[x**2 + y**2 < generator.integers(60, 500)] = generator.integers(20, 150, 3)
        return pixels


class ById:
    """Features that are near for near numbers."""

    def pooled(self, samples: Sequence[Sample]) -> Tensor:
        angle = torch.tensor([float(sample.id) for sample in samples]) / 100
        return torch.stack([angle.cos(), angle.sin()], dim=1)


def samples(labels: Sequence[str | None]) -> list[Sample]:
    record: dict[str, Value] = {"age": 40.0, "sex": "male", "site": "back"}
    return [
        Sample(
            str(n),
            f"g{n // 2}",
            {"image": (Drawn(n),)},
            {},
            {**record, "age": 20.0 + n % 61},
            label,
        )
        for n, label in enumerate(labels)
    ]


def texts(given: Sequence[Sample], **settings: Any) -> list[str]:
    params = RangmParams(**settings)
    narrative = params.build(ById() if params.needs_features else None)
    narrative.fit(given[: len(given) // 2])
    return list(narrative.write_all(given))


def test_meta_with_the_frame_of_template_is_template() -> None:
    given = samples([None] * 20)
    plain = TemplateParams().build(None)
    assert texts(given, templates=("{case}.",)) == [plain.write(sample) for sample in given]


@pytest.mark.parametrize("level", LEVELS)
def test_other_labels_leave_every_byte(level: str) -> None:
    first = texts(samples(["mel", "nv"] * 20), level=level)
    assert texts(samples(["nv", "bcc"] * 20), level=level) == first
    assert texts(samples([None] * 40), level=level) == first


def test_each_level_adds_to_the_one_before() -> None:
    given = samples([None] * 12)
    meta, visual, retrieved = (texts(given, level=level) for level in LEVELS)
    for short, longer, longest in zip(meta, visual, retrieved, strict=True):
        assert longer.startswith(f"{short} It shows ")
        assert longest.startswith(f"{longer} Similar cases showed ")


def test_neighbours_are_the_nearest_training_samples_of_other_groups() -> None:
    given = samples([None] * 20)
    narrative: Any = RangmParams(level="retrieved", neighbours=2).build(ById())
    narrative.fit(given[:10])
    first, second = narrative._nearest([given[4]])[0]  # 5 is of the same group
    assert first == 3
    assert second in (2, 6)
    assert set(narrative._nearest([given[15]])[0]) == {8, 9}


def test_one_and_many_at_a_time_give_the_same_texts() -> None:
    given = samples([None] * 10)
    narrative = RangmParams(level="retrieved").build(ById())
    narrative.fit(given[:6])
    assert [narrative.write(sample) for sample in given] == list(narrative.write_all(given))


def test_the_oracle_tells_the_label_but_for_a_share_epsilon() -> None:
    classes = ["akiec", "bcc", "mel", "nv"]
    given = samples([classes[n % 4] for n in range(2000)])
    for epsilon in (0.0, 0.3, 1.0):
        written = texts(given, level="oracle", epsilon=epsilon)
        right = sum(
            symptom_of(classes.index(str(one.label))) in text
            for one, text in zip(given, written, strict=True)
        )
        assert right / len(given) == pytest.approx(1 - epsilon, abs=0.04)


def test_text_alone_falls_linearly_with_epsilon() -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    classes = ["a1", "b2", "c3"]
    given = samples([classes[n % 3] for n in range(900)])
    labels = [sample.label for sample in given]
    reached = []
    for epsilon in (0.0, 0.2, 0.4):
        features = TfidfVectorizer().fit_transform(texts(given, level="oracle", epsilon=epsilon))
        model = LogisticRegression(C=0.3).fit(features[:450], labels[:450])
        reached.append(float(model.score(features[450:], labels[450:])))
    assert reached == pytest.approx([1.0, 0.8, 0.6], abs=0.06)


def test_symptoms_of_many_classes_are_all_different() -> None:
    count = len(SYMPTOMS) * 5
    assert len({symptom_of(place) for place in range(count)}) == count


def test_no_class_name_code_or_synonym_is_ever_written(shared_data: Path) -> None:
    dataset = Ham10000Params(root=shared_data / "ham10000").build()
    words = {w.lower() for c in dataset.classes for w in (c, *dataset.facts.synonyms.get(c, ()))}
    chosen = dataset.samples()[:150]
    told = [replace(sample, label=None) for sample in chosen]
    narrative = RangmParams(level="visual").build(None)
    for text in narrative.write_all(told):
        padded = f" {text.lower().replace(',', ' ').replace('.', ' ')} "
        assert not [word for word in words if f" {word} " in padded]


def test_the_oracle_needs_a_written_reason(load: Callable[..., mmx.Spec]) -> None:
    with pytest.raises(mmx.SpecError, match="stamped LEAKY"):
        load("data.narrative={type: rangm, level: oracle}")
    reason = 'audit.waive={text_tells_label: "to show it"}'
    assert load("data.narrative={type: rangm, level: oracle}", reason).leaky


def test_a_leaky_run_says_so_everywhere(load: Callable[..., mmx.Spec], tiny_plugin: Path) -> None:
    reason = 'audit.waive={text_tells_label: "to show it", label_words: "to show it"}'
    run = mmx.run(load("data.narrative={type: rangm, level: oracle}", reason, "train.epochs=1"))
    assert run.metrics["leaky"] is True
    assert run.headline().startswith("LEAKY")
    assert "LEAKY: the texts were written knowing the label" in run.report.read_text()
    again = mmx.evaluate_run(run.path, run.path / "resolved.yaml", plugins=[tiny_plugin])
    assert any(warning.startswith("LEAKY") for warning in again.warnings)


def test_retrieved_texts_are_kept_and_come_back(
    load: Callable[..., mmx.Spec], home: Path, tiny_plugin: Path
) -> None:
    spec = load("data.narrative={type: rangm, level: retrieved}", "train.epochs=1")
    first = mmx.narratives(spec, 10)
    kept = list((home / "cache" / "mmx-cache" / "texts").glob("*.json"))
    assert len(kept) == 1
    assert mmx.narratives(spec, 10) == first
    kept[0].write_text("[")  # half a file
    assert mmx.narratives(spec, 10) == first
    run = mmx.run(spec)
    lines = (run.path / "events.jsonl").read_text(encoding="utf-8").splitlines()
    encoded = next(event for event in map(json.loads, lines) if event["event"] == "encoded")
    assert encoded["image"] == 0  # the narrative had them encoded, under the run's own key
    again = mmx.evaluate_run(
        run.path, run.path / "resolved.yaml", plugins=[tiny_plugin]
    ).predictions
    table = run.predictions
    own = table[table["part"] == "test"].set_index("sample")
    columns = [str(name) for name in own.columns if str(name).startswith("p_")]
    seen = again.set_index("sample").loc[own.index, columns]
    np.testing.assert_allclose(seen, own[columns], atol=1e-3)  # kept in half precision


def test_the_data_of_a_split_is_what_the_narrative_learns_from() -> None:
    class Rows(mmx.Dataset):
        classes = ("a", "b")

        def samples(self) -> Sequence[Sample]:
            return samples(["a", "b"] * 40)

    from mmx.spec import SplitSpec

    manifest = read_manifest(Rows(), 0, SingleLabelParams())
    split = make_split(manifest, SplitSpec())
    written = write_texts(manifest, RangmParams(level="retrieved"), split, ById())
    assert len(written) == 80
    assert all("Similar cases showed" in text for text in written)
