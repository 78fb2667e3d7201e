"""The manifest and the report drop nothing in silence."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mmx import DataError, Dataset, Sample
from mmx.data import ImageStore, Manifest, make_data_report, make_split, read_manifest
from mmx.interfaces import RejectedRow
from mmx.spec import ImageSpec, SplitSpec
from mmx_plugins.tasks.single_label import SingleLabelParams

Write = Callable[..., Path]


def _samples(n: int = 6) -> list[Sample]:
    return [Sample(f"s{row}", f"g{row}", label="ab"[row % 2]) for row in range(n)]


def test_an_id_twice_is_refused(rows: Callable[..., Dataset]) -> None:
    samples = [*_samples(), Sample("s3", "g9", label="a")]
    with pytest.raises(DataError, match="1 ids .* such as s3"):
        read_manifest(rows(samples, "ab"), 0.0, SingleLabelParams())


@pytest.mark.parametrize("sample", [Sample("", "g"), Sample("s", "")])
def test_a_row_without_id_or_group_is_refused(rows: Callable[..., Dataset], sample: Sample) -> None:
    with pytest.raises(DataError, match="row 0 of the data set has no"):
        read_manifest(rows([sample], "ab"), 1.0, SingleLabelParams())


def test_bad_rows_stop_above_the_threshold_and_are_listed(rows: Callable[..., Dataset]) -> None:
    samples = [*_samples(8), Sample("none", "g", label=None), Sample("odd", "h", label="z")]
    dataset = rows(samples, "ab", [RejectedRow("row 77", "has no photograph")])
    with pytest.raises(DataError, match="3 of 11 rows") as caught:
        read_manifest(dataset, 0.2, SingleLabelParams())
    for words in ("row 77: has no photograph", "none: has no label", "odd: label 'z' is none of"):
        assert words in str(caught.value)
    manifest = read_manifest(dataset, 0.3, SingleLabelParams())
    assert [one.row for one in manifest.rejected] == ["row 77", "none", "odd"]
    assert manifest.targets[-2:].tolist() == [-1, -1]


def test_an_empty_data_set_is_refused(rows: Callable[..., Dataset]) -> None:
    with pytest.raises(DataError, match="no rows"):
        read_manifest(rows([], "ab"), 0.0, SingleLabelParams())


@pytest.mark.parametrize(
    "changed",
    [
        {"label": "b"},
        {"group": "other"},
        {"record": {"age": 1.0}},
        {"boxes": ((0.0, 0.0, 1.0, 1.0),)},
        {"images": (Path("b.png"),)},
    ],
)
def test_the_digest_tells_every_change(
    rows: Callable[..., Dataset], changed: dict[str, Any]
) -> None:
    before = _samples()
    after = [replace(before[0], **changed), *before[1:]]
    first, second = (
        read_manifest(rows(some, "ab"), 0.0, SingleLabelParams()) for some in (before, after)
    )
    assert first.digest != second.digest


def test_the_digest_does_not_tell_where_the_files_lie(rows: Callable[..., Dataset]) -> None:
    here, there = (
        read_manifest(
            rows([Sample("s", "g", {"image": (Path(folder, "a.png"),)}, label="a")], "a"),
            0.0,
            SingleLabelParams(),
        )
        for folder in ("/here", "/there")
    )
    assert here.digest == there.digest


def test_the_data_report_counts_everything(
    rows: Callable[..., Dataset], write_image: Write, tmp_path: Path
) -> None:
    good = [write_image(f"{row}.png", seed=row // 2) for row in range(11)]  # pairs are equal
    (tmp_path / "bad.png").write_bytes(b"")
    samples = [
        Sample(f"s{row:02d}", f"g{row // 2}", {"image": (path,)}, label="ab"[row % 4 // 2])
        for row, path in enumerate([*good, tmp_path / "bad.png"])
    ]
    samples.append(Sample("s12", "g9", label=None))
    manifest: Manifest = read_manifest(
        rows(samples, "abc", [RejectedRow("row 9", "torn")]), 1.0, SingleLabelParams()
    )
    split = make_split(manifest, SplitSpec())
    store = ImageStore(samples, ImageSpec(height=8, width=8), folder=tmp_path / "c", memory_gb=1)
    report = make_data_report(manifest, split, pictures={"image": store}, texts=["x"] * 12 + [""])
    told = json.loads(json.dumps(report.to_json()))
    assert told["rows"] == 14
    total = [part[name]["samples"] for part in told["parts"].values() for name in "abc"]
    assert sum(total) == 12
    assert [len(one) for one in told["duplicates"]] == [2] * 5
    assert told["unreadable"][0]["row"] == "s11"
    assert (told["without_label"], told["without_text"], told["without_image"]) == (
        ["s12"],
        ["s12"],
        2,
    )
    assert report.absent == dict.fromkeys(told["parts"], ("c",)) | {
        part: tuple(n for n in "abc" if not told["parts"][part][n]["samples"])
        for part in told["parts"]
    }
