"""A split keeps groups whole, classes spread and shares right, and never depends on chance."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmx import DataError, Dataset, Sample
from mmx.data import Manifest, make_split, read_manifest, read_split, write_split
from mmx.spec import SplitSpec
from mmx_plugins.datasets.ham10000 import Ham10000Params
from mmx_plugins.tasks.single_label import SingleLabelParams

ManifestOf = Callable[..., Manifest]
WITH_CALIBRATION = SplitSpec(train=0.55, validation=0.15, test=0.15, calibration=0.15)


def _lesions(seed: int, groups: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Groups of 1 to 4 rows, each of one class."""
    draw = np.random.default_rng(seed)
    size, label = draw.integers(1, 5, size=groups), draw.integers(classes, size=groups)
    label[:classes] = np.arange(classes)
    return np.repeat(np.arange(groups), size), np.repeat(label, size)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(8, 120), st.integers(2, 6), st.integers(0, 9))
def test_no_group_is_in_two_parts(
    manifest_of: ManifestOf, seed: int, groups: int, classes: int, split_seed: int
) -> None:
    draw = np.random.default_rng(seed)
    of = draw.integers(groups, size=4 * groups)  # groups of mixed classes
    manifest = manifest_of(of, draw.integers(classes, size=4 * groups))
    split = make_split(manifest, SplitSpec(seed=split_seed))
    assert sum(len(split.rows(part)) for part in ("train", "validation", "test")) == len(manifest)
    for group in set(of):
        assert len(set(split.parts[of == group])) == 1


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(40, 300), st.integers(1, 6))
def test_parts_and_classes_have_their_shares(
    manifest_of: ManifestOf, seed: int, groups: int, classes: int
) -> None:
    of, labels = _lesions(seed, groups, classes)
    split = make_split(manifest_of(of, labels), SplitSpec())
    for label in range(classes):
        rows = (labels == label).sum()
        for part, share in (("train", 0.7), ("validation", 0.15), ("test", 0.15)):
            got = ((split.parts == part) & (labels == label)).sum()
            assert abs(got - share * rows) <= 4 + 1e-9  # one group of the largest size


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(4, 60), st.integers(1, 6))
def test_a_class_with_enough_groups_is_in_every_part(
    manifest_of: ManifestOf, seed: int, groups: int, classes: int
) -> None:
    of, labels = _lesions(seed, max(groups, classes), classes)
    split = make_split(manifest_of(of, labels), WITH_CALIBRATION)
    for label in range(classes):
        if len(set(of[labels == label])) >= 4:
            assert set(split.parts[labels == label]) == {
                "train",
                "validation",
                "test",
                "calibration",
            }


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([1, 3]))
def test_the_order_of_rows_changes_nothing(
    rows: Callable[..., Dataset], seed: int, folds: int
) -> None:
    of, labels = _lesions(seed, 30, 3)
    samples = [
        Sample(f"s{row}", f"g{group}", label=f"c{label}")
        for row, (group, label) in enumerate(zip(of, labels, strict=True))
    ]
    order = np.random.default_rng(seed).permutation(len(samples))
    first, second = (
        read_manifest(rows(some, ("c0", "c1", "c2")), 0.0, SingleLabelParams())
        for some in (samples, [samples[row] for row in order])
    )
    spec = SplitSpec(folds=folds)
    one, other = make_split(first, spec), make_split(second, spec)
    assert first.digest == second.digest
    assert one.digest == other.digest
    assert one.parts[order].tolist() == other.parts.tolist()


def test_only_the_split_seed_decides(manifest_of: ManifestOf) -> None:
    manifest = manifest_of(*_lesions(0, 100, 3))
    same, again = (make_split(manifest, SplitSpec(seed=1)) for _ in range(2))
    other = make_split(manifest, SplitSpec(seed=2))
    assert same.parts.tolist() == again.parts.tolist()
    assert same.digest == again.digest != other.digest


def test_a_part_with_no_share_stays_empty(manifest_of: ManifestOf) -> None:
    manifest = manifest_of(*_lesions(0, 50, 3))
    split = make_split(manifest, SplitSpec(train=0.8, validation=0.2, test=0))
    assert len(split.rows("test")) == len(split.rows("calibration")) == 0


def test_folds_cover_every_row_once_and_share_the_rest(manifest_of: ManifestOf) -> None:
    of, labels = _lesions(3, 80, 3)
    manifest = manifest_of(of, labels)
    splits = [make_split(manifest, SplitSpec(folds=4, fold=fold)) for fold in range(4)]
    tested = np.concatenate([split.rows("test") for split in splits])
    assert sorted(tested) == list(range(len(manifest)))
    for split in splits:
        for group in set(of):
            assert len(set(split.parts[of == group])) == 1
        shares = [len(split.rows(part)) / len(manifest) for part in ("train", "validation")]
        np.testing.assert_allclose(shares, [0.75 * 0.7 / 0.85, 0.75 * 0.15 / 0.85], atol=0.05)


def test_rows_without_a_label_are_in_no_part(manifest_of: ManifestOf) -> None:
    manifest = manifest_of(list(range(20)), [0, 1, -1, 0] * 5)
    split = make_split(manifest, SplitSpec())
    assert (split.parts == "unused").tolist() == (manifest.targets < 0).tolist()


def test_too_few_groups_are_an_error(manifest_of: ManifestOf) -> None:
    with pytest.raises(DataError, match="2 groups cannot fill 3 parts"):
        make_split(manifest_of([0, 0, 1], [0, 1, 1]), SplitSpec())


def test_a_written_split_is_read_as_it_was(manifest_of: ManifestOf, tmp_path: Path) -> None:
    manifest = manifest_of(*_lesions(0, 40, 3))
    split = make_split(manifest, SplitSpec(folds=3, fold=2))
    path = tmp_path / "split.csv"
    write_split(path, manifest, split)
    assert path.read_text(encoding="utf-8").startswith("sample_id,group_id,label,part,fold\n")
    again = make_split(manifest, SplitSpec(file=path))
    assert again.parts.tolist() == split.parts.tolist()
    assert (again.fold, again.digest) == (2, split.digest)


def test_ids_like_formulas_come_back_from_a_sheet_without_formulas(
    rows: Callable[..., Dataset], tmp_path: Path
) -> None:
    ids = ["=1+1", "'=1+1", "@x", "-0.5", "+49 170", "-", "plain", "'quoted'"]

    names = [*ids, *(f"s{row}" for row in range(len(ids), 40))]
    samples = [
        Sample(name, f"={row}", label=("=a", "@b")[row % 2]) for row, name in enumerate(names)
    ]
    manifest = read_manifest(rows(samples, ["=a", "@b"]), 0.0, SingleLabelParams())
    split = make_split(manifest, SplitSpec())
    path = tmp_path / "split.csv"
    write_split(path, manifest, split)
    for line in path.read_text(encoding="utf-8").splitlines():
        assert line.startswith("-0.5,") or line[0] not in "=+-@"
        assert ",=" not in line
        assert ",@" not in line
    again = read_split(path, manifest)
    assert again.parts.tolist() == split.parts.tolist()
    assert again.digest == split.digest


@pytest.mark.parametrize(
    ("line", "changed", "words"),
    [
        ("s00001,g0,class-0,train,0", "s99999,g0,class-0,train,0", "does not have: s99999"),
        ("s00001,g0,class-0,train,0\n", "", "leaves out samples of the data set: s00001"),
        ("s00001,g0,", "s00000,g0,", "more than once: s00000"),
        ("s00001,g0,class-0,train", "s00001,g0,class-0,test", "a group in two parts.*g0"),
        ("s00001,g0,", "s00001,g1,", "another group.*s00001"),
        ("s00001,g0,class-0", "s00001,g0,class-1", "another label.*s00001"),
        ("s00001,g0,class-0,train", "s00001,g0,class-0,trian", "a part other than.*trian"),
        ("sample_id", "name", "no column sample_id"),
        ("s00001,g0,class-0,train,0", "s00001,g0,class-0,train,1", "one fold"),
    ],
)
def test_a_split_that_does_not_fit_is_refused(
    manifest_of: ManifestOf, tmp_path: Path, line: str, changed: str, words: str
) -> None:
    manifest = manifest_of([0, 0, 1, 2, 3], [0, 0, 1, 0, 1])
    path = tmp_path / "split.csv"
    parts = ["train", "train", "validation", "test", "train"]
    good = (
        "sample_id,group_id,label,part,fold\ns00000,g0,class-0,train,0\n"
        "s00001,g0,class-0,train,0\ns00002,g1,class-1,validation,0\n"
        "s00003,g2,class-0,test,0\ns00004,g3,class-1,train,0\n"
    )
    path.write_text(good, encoding="utf-8")
    assert read_split(path, manifest).parts.tolist() == parts
    assert line in good
    path.write_text(good.replace(line, changed, 1), encoding="utf-8")
    with pytest.raises(DataError, match=words):
        read_split(path, manifest)


def test_lesions_of_ham10000_stay_whole(shared_data: Path, manifest_of: ManifestOf) -> None:
    manifest = read_manifest(
        Ham10000Params(root=shared_data / "ham10000").build(), 0.0, SingleLabelParams()
    )
    split = make_split(manifest, SplitSpec())
    groups = [set(manifest.groups[split.rows(part)]) for part in ("train", "validation", "test")]
    assert not groups[0] & groups[1] | groups[0] & groups[2] | groups[1] & groups[2]
    for part, share in (("train", 0.7), ("validation", 0.15), ("test", 0.15)):
        for label in range(7):
            rows = manifest.targets == label
            got = (rows & (split.parts == part)).sum() / rows.sum()
            assert abs(got - share) < 0.02
