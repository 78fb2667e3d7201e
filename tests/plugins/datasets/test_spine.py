"""Spine crops are grouped by study."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from mmx_plugins.datasets.spine import SpineParams

Write = Callable[..., Path]


def test_rows_become_samples(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_text(
        "image_id,study_id,structure,level,label\n"
        "a,7,disc,T12-L1,disc_normal\n../a,7,disc,L1,disc_bulge\nb,,disc,L1,disc_bulge\n"
    )
    dataset = SpineParams(root=tmp_path).build()
    (sample,) = dataset.samples()
    assert sample.images == {"image": (tmp_path / "images/a.jpg",)}
    assert (sample.id, sample.group, sample.label) == ("a", "7", "disc_normal")
    assert sample.record == {"structure": "disc", "level": "T12-L1"}
    assert [one.row for one in dataset.rejected()] == ["../a", "b"]


def test_no_view_turns_or_mirrors_the_body(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_text("image_id,study_id,structure,level,label\n")
    assert SpineParams(root=tmp_path).build().facts.allowed_views == ("identity",)


def test_the_real_studies_are_all_there(shared_data: Path) -> None:
    samples = SpineParams(root=shared_data / "spine").build().samples()
    assert len(samples) == 1705
    assert len({sample.group for sample in samples}) == 155
    assert {sample.label for sample in samples} == set(
        SpineParams(root=shared_data / "spine").build().classes
    )


def test_context_puts_the_levels_around_a_crop_in_order(tmp_path: Path) -> None:
    """Places of levels that are not there stay empty; rows and labels are those of the crops."""
    (tmp_path / "metadata.csv").write_text(
        "image_id,study_id,structure,level,label\n"
        "b,7,vertebra,L1,vertebra_normal\na,7,disc,T12-L1,disc_normal\n"
        "c,7,disc,L1-L2,disc_bulge\nz,8,disc,L5-S1,disc_bulge\ne,7,disc,L2-L3,disc_normal\n"
    )
    plain = SpineParams(root=tmp_path).build().samples()
    around = SpineParams(root=tmp_path, context=5).build().samples()
    shown = {
        sample.id: [Path(str(one)).stem if one else None for one in sample.images["image"]]
        for sample in around
    }
    assert shown == {
        "b": [None, "a", "b", "c", None],
        "a": [None, None, "a", "b", "c"],
        "c": ["a", "b", "c", None, "e"],
        "z": [None, None, "z", None, None],
        "e": ["c", None, "e", None, None],
    }
    assert {sample.own["image"] for sample in around} == {2}
    for one, other in zip(plain, around, strict=True):
        assert (one.id, one.group, one.label, one.record) == (
            other.id, other.group, other.label, other.record,
        )  # fmt: skip


def test_context_is_odd(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="context is odd; got 4, use 3 or 5"):
        SpineParams(root=tmp_path, context=4)
