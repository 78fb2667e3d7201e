"""Spine crops are grouped by study."""

from collections.abc import Callable
from pathlib import Path

from mmx_plugins.datasets.spine import SpineParams

Write = Callable[..., Path]


def test_rows_become_samples(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_text(
        "image_id,study_id,structure,level,label\n"
        "a,7,disc,T12-L1,disc_normal\n../a,7,disc,L1,disc_bulge\nb,,disc,L1,disc_bulge\n"
    )
    dataset = SpineParams(root=tmp_path).build()
    (sample,) = dataset.samples()
    assert sample.images == (tmp_path / "images/a.jpg",)
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
