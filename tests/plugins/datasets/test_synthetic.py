"""Drawn lesions tell their labels as the knobs say."""

from bisect import bisect
from collections import Counter
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from mmx import Sample
from mmx_plugins.datasets._synthetic import SyntheticLesion
from mmx_plugins.datasets.synthetic import SyntheticParams


def _samples(**settings: Any) -> list[Sample]:
    return list(SyntheticParams(**{"image_size": 24, **settings}).build().samples())


def _picture(sample: Sample) -> SyntheticLesion:
    picture = sample.images["image"][0]
    assert isinstance(picture, SyntheticLesion)
    return picture


def _image(samples: list[Sample]) -> np.ndarray:
    """[n, 3 + 3 + 3], mean, spread and centre colour of each picture."""
    pixels = np.stack([_picture(sample).pixels() for sample in samples]) / 255.0
    centre = pixels[:, 8:16, 8:16].mean(axis=(1, 2))
    return np.hstack([pixels.mean(axis=(1, 2)), pixels.std(axis=(1, 2)), centre])


def _text(samples: list[Sample]) -> np.ndarray:
    """[n, sentences], which sentence follows the one on age and sex."""
    told = [str(sample.record["text"]).split(". ", 1)[1] for sample in samples]
    names = sorted(set(told))
    return np.eye(len(names))[[names.index(one) for one in told]]


def _record(samples: list[Sample]) -> np.ndarray:
    """[n, 20 + 4], bins of the diameter, words of growth; what is missing has a place too."""
    diameters = [sample.record["diameter"] for sample in samples]
    edges = np.arange(1.75, 30, 2.5).tolist()
    bins = [0 if one is None else 1 + bisect(edges, float(one)) for one in diameters]
    words = ("None", "none", "slow", "fast")
    growth = [words.index(str(sample.record["growth"])) for sample in samples]
    return np.hstack([np.eye(20)[bins], np.eye(4)[growth]])


def _accuracy(features: np.ndarray, labels: list[str | None], deep: bool = False) -> float:
    """On the second half, after learning from the first."""
    half = len(labels) // 2
    scaled = StandardScaler().fit_transform(features)
    model = LogisticRegression(max_iter=2000)
    if deep:
        # weights decay so that it converges where labels are noisy
        model = MLPClassifier((64,), learning_rate_init=0.01, alpha=0.1, tol=1e-3, random_state=0)
    return float(model.fit(scaled[:half], labels[:half]).score(scaled[half:], labels[half:]))


def _three(**settings: Any) -> tuple[float, float, float]:
    """Accuracy of image alone, text alone, both."""
    samples = _samples(**settings)
    labels = [sample.label for sample in samples]
    image, text = _image(samples), _text(samples)
    both = np.hstack([image, text])
    return _accuracy(image, labels), _accuracy(text, labels), _accuracy(both, labels, deep=True)


def test_full_synergy_is_told_by_neither_side_alone() -> None:
    image, text, both = _three(n=1200, classes=3, synergy=1, noise=0)
    assert image < 0.45
    assert text < 0.45
    assert both > 0.9


def test_full_redundancy_is_told_by_each_side() -> None:
    image, text, _ = _three(n=600, synergy=0, redundancy=1, noise=0)
    assert image > 0.97
    assert text > 0.97


def test_no_redundancy_needs_both_sides() -> None:
    image, text, both = _three(n=800, synergy=0, redundancy=0, noise=0)
    assert 0.5 < image < 0.75
    assert 0.5 < text < 0.75
    assert both > 0.93


def test_by_default_both_sides_are_better_than_one_but_not_perfect() -> None:
    image, text, both = _three(n=1600)
    assert both > max(image, text) + 0.15
    assert both < 0.97


def test_a_record_leaves_pictures_and_texts_as_they_are() -> None:
    without, beside = _samples(n=60), _samples(n=60, record=0.5)
    for one, other in zip(without, beside, strict=True):
        assert one.images == other.images
        assert one.label == other.label
        assert one.record == {name: other.record[name] for name in ("age", "sex", "text")}
        assert other.record.keys() - one.record.keys() == {"diameter", "growth"}


def test_a_record_tells_the_label_as_often_as_asked() -> None:
    for share, low, high in ((0.0, 0.2, 0.33), (0.5, 0.5, 0.75), (1.0, 0.85, 1.0)):
        samples = _samples(n=1200, synergy=0, noise=0, record=share)
        labels = [sample.label for sample in samples]
        assert low < _accuracy(_record(samples), labels) < high


def test_with_synergy_of_the_record_two_sides_tell_nothing_and_three_all() -> None:
    settings = {"n": 3000, "classes": 2, "synergy": 1, "noise": 0, "record": 0}
    samples = _samples(**settings, record_synergy=1)
    labels = [sample.label for sample in samples]
    image, text, record = _image(samples), _text(samples), _record(samples)
    for pair in ([image, text], [image, record], [text, record]):
        assert _accuracy(np.hstack(pair), labels, deep=True) < 0.56
    # a tenth of the records is missing, and no diameter says nothing of the marker but growth
    assert _accuracy(np.hstack([image, text, record]), labels, deep=True) > 0.85


def test_cells_are_missing_whatever_the_label() -> None:
    samples = _samples(n=4000, record=0.7)
    for name in ("diameter", "growth"):
        missing = Counter(s.label for s in samples if s.record[name] is None)
        shares = [missing[label] / 1000 for label in sorted(missing, key=str)]
        assert all(0.06 < share < 0.14 for share in shares)


def test_synergy_of_a_record_needs_a_record() -> None:
    with pytest.raises(ValidationError, match="record_synergy needs a record"):
        SyntheticParams(record_synergy=0.5)


def test_pure_noise_tells_nothing() -> None:
    samples = _samples(n=800, noise=1, synergy=0, redundancy=1)
    labels = [sample.label for sample in samples]
    for features in (_image(samples), _text(samples)):
        assert _accuracy(features, labels) < 0.36  # chance is 0.25


def test_repeats_share_a_lesion_its_label_and_its_text() -> None:
    samples = _samples(n=31, repeats=3)
    assert Counter(Counter(sample.group for sample in samples).values()) == {3: 10, 1: 1}
    for sample in samples:
        first = next(one for one in samples if one.group == sample.group)
        assert (first.label, first.record) == (sample.label, sample.record)
    pictures = {_picture(sample).pixels().tobytes() for sample in samples}
    assert len(pictures) == 31


@pytest.mark.parametrize("leak", [0.0, 0.25, 1.0])
def test_leak_is_the_share_of_texts_that_name_the_label(leak: float) -> None:
    samples = _samples(n=2000, leak=leak)
    named = sum(str(sample.label) in str(sample.record["text"]) for sample in samples)
    assert abs(named / 2000 - leak) < 0.04
    if leak == 0:
        assert named == 0


@pytest.mark.parametrize(("classes", "imbalance"), [(2, 50.0), (4, 50.0), (7, 10.0), (10, 1.0)])
def test_imbalance_is_the_ratio_of_the_largest_to_the_smallest(
    classes: int, imbalance: float
) -> None:
    samples = _samples(n=5000, classes=classes, imbalance=imbalance)
    sizes = Counter(sample.label for sample in samples)
    assert len(sizes) == classes
    assert max(sizes.values()) / min(sizes.values()) == pytest.approx(imbalance, rel=0.05)


def test_every_class_is_there_however_small() -> None:
    assert len({sample.label for sample in _samples(n=20, classes=10, imbalance=1000)}) == 10


def test_the_same_seed_gives_the_same_data() -> None:
    first, again, other = (_samples(n=8, seed=seed) for seed in (3, 3, 4))
    assert [sample.record for sample in first] == [sample.record for sample in again]
    for one, two, three in zip(first, again, other, strict=True):
        picture, same, different = _picture(one), _picture(two), _picture(three)
        assert (picture.key, picture.pixels().tobytes()) == (same.key, same.pixels().tobytes())
        assert picture.key != different.key


def test_rows_can_be_asked_for_in_any_order() -> None:
    rows = SyntheticParams(n=10, image_size=32).build().samples()
    assert rows[-1] == rows[9]
    assert [row.id for row in rows[2:4]] == [rows[2].id, rows[3].id]
    assert _picture(rows[0]).pixels().shape == (32, 32, 3)
    with pytest.raises(IndexError):
        rows[10]


def test_sites_leave_all_else_as_it_is() -> None:
    without, beside = _samples(n=60), _samples(n=60, sites=3, site_shortcut=0.5)
    for one, other in zip(without, beside, strict=True):
        assert (one.images, one.label) == (other.images, other.label)
        assert {**one.record, **other.record} == dict(other.record)
        assert other.record.keys() - one.record.keys() == {"hospital", "device"}


@pytest.mark.parametrize(("shortcut", "low", "high"), [(0, 0.2, 0.3), (0.5, 0.55, 0.7), (1, 1, 1)])
def test_a_hospital_stands_for_a_label_as_often_as_asked(
    shortcut: float, low: float, high: float
) -> None:
    samples = _samples(n=2000, classes=4, sites=4, site_shortcut=shortcut)
    at = Counter((s.record["hospital"], s.label) for s in samples)
    most = Counter[object]()
    for (hospital, _), count in at.items():
        most[hospital] = max(most[hospital], count)
    assert low <= sum(most.values()) / 2000 <= high + 0.03


def test_a_device_leaves_its_own_cast_in_skin_and_lesion() -> None:
    plain = _samples(n=40, sites=2)
    cast = _samples(n=40, sites=2, device_signature=1)
    ratios: dict[object, list[np.ndarray]] = {}
    for one, other in zip(plain, cast, strict=True):
        assert one.record == other.record
        before, after = (_picture(sample).pixels().astype(float) for sample in (one, other))
        assert _picture(one).key != _picture(other).key
        ratio = np.median(after / before.clip(1), axis=(0, 1))  # bright pixels are cut at 255
        ratios.setdefault(one.record["device"], []).append(ratio)
    means = [np.mean(found, axis=0) for found in ratios.values()]
    spread = max(float(np.std(found, axis=0).max()) for found in ratios.values())
    assert len(means) == 2
    assert float(np.abs(means[0] - means[1]).max()) > 3 * spread


def test_a_shortcut_needs_sites() -> None:
    with pytest.raises(ValidationError, match="need sites, such as sites: 3"):
        SyntheticParams(device_signature=0.5)


def test_a_record_tells_one_of_several_labels() -> None:
    samples = _samples(n=800, target="labels", classes=3, record=1, noise=0)
    for sample in samples:
        there = [k for k, cell in enumerate(sample.labels.values()) if cell == 1]
        diameter = sample.record["diameter"]
        if there and isinstance(diameter, float):
            assert min(abs(diameter - 3 - 2.5 * k) for k in there) < 2.2


def test_a_record_tells_levels() -> None:
    samples = _samples(n=800, target="levels", classes=3, record=1, noise=0, synergy=0)
    means = [
        np.nanmean([float(str(s.record["diameter"] or "nan")) for s in samples if s.label == level])
        for level in ("minimal", "mild", "moderate")
    ]
    assert means[0] + 1 < means[1] < means[2] - 1
