"""Names of files as tables have them: of Windows, and in several folders."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from mmx.interfaces import Labels
from mmx_plugins.datasets.table import TableParams


def table(path: Path, **settings: Any) -> Any:
    keys = {"path": path, "label": "dx", "group": None, "images": ["image"]}
    return TableParams.model_validate({**keys, **settings}).build()


def test_folders_may_be_parted_as_on_windows_and_must_stay_inside(
    tmp_path: Path, write_image: Callable[..., Path]
) -> None:
    root = write_image("pictures/a.png").parent.parent
    (root / "t.csv").write_text("image,dx\npictures\\a.png,x\n..\\b.png,y\n")
    found = table(root / "t.csv")
    (sample,) = found.samples()
    assert sample.images["image"] == (root / "pictures" / "a.png",)
    (bad,) = found.rejected()
    assert "'../b.png' leaves the folder" in bad.reason
    assert found.facts.notes == (
        "column 'image': \\ is read as / between folders, as in 'pictures\\\\a.png'",
    )


@pytest.mark.parametrize("suffix", ["", "found"])
def test_a_name_that_several_folders_hold_is_told(
    tmp_path: Path, write_image: Callable[..., Path], suffix: str
) -> None:
    for name in ("one/a.png", "two/a.png", "two/b.png"):
        folder = write_image(name).parent.parent
    (folder / "t.csv").write_text("image,dx\na.png,x\nb.png,y\n")
    places = {"root": folder / "one", "roots": [folder / "two"], "suffix": suffix}
    found = table(folder / "t.csv", **places)
    first, second = (sample.images["image"][0] for sample in found.samples())
    assert (first, second) == (folder / "one" / "a.png", folder / "two" / "b.png")
    assert found.facts.notes[-1] == (
        "column 'image': 1 of 2 names have a file in more than one folder; that of the first "
        "counts, such as 'a.png' in one"
    )


def test_a_whole_path_is_one_file_whatever_the_folders(
    tmp_path: Path, write_image: Callable[..., Path]
) -> None:
    folder = write_image("two/b.png").parent.parent
    (folder / "one").mkdir()
    (folder / "t.csv").write_text(f"image,dx\n{folder}/two/b.png,x\n")
    found = table(folder / "t.csv", root=folder / "one", roots=[folder / "two"])
    (sample,) = found.samples()
    assert sample.images["image"] == (folder / "two" / "b.png",)
    assert not [note for note in found.facts.notes if "more than one" in note]


def test_a_map_says_nothing_of_columns_that_are_labels_themselves() -> None:
    with pytest.raises(ValidationError, match="rename the columns, or leave map out"):
        Labels(each=("a", "b"), map={"a": "Alpha"})


def test_a_map_beside_columns_of_classes_names_those_columns() -> None:
    assert Labels(columns=("MEL", "NV"), map={"MEL": "melanoma"}).map == {"MEL": "melanoma"}
    with pytest.raises(ValidationError, match="map names 'MLE', which columns does not"):
        Labels(columns=("MEL", "NV"), map={"MLE": "melanoma"})
