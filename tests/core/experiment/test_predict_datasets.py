"""Runs on data sets that are no table are asked by a table with what their samples carry."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import mmx

Load = Callable[..., mmx.Spec]
LEVELS = ("L1", "L1-L2", "L2")
SEQUENCE = "model.image={type: sequence, backbone: tiny_image, width: 4, pool: centre}"


def picture(path: Path, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, quality=95)


@pytest.fixture
def spine(home: Path) -> Path:
    """Sixteen studies of three levels."""
    lines = ["image_id,study_id,structure,level,label"]
    for study in range(16):
        for place, level in enumerate(LEVELS):
            picture(home / f"spine/images/{study}_{place}.jpg", 3 * study + place)
            label = ("disc_normal", "disc_bulge", "disc_schmorl")[(study + place) % 3]
            lines.append(f"{study}_{place},s{study},disc,{level},{label}")
    (home / "spine/metadata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return home / "spine"


@pytest.fixture
def skin(home: Path) -> Path:
    """Lesions of one to three photographs with boxes."""
    rows = ["lesion_id,image_id,dx,dx_type,age,sex,localization"]
    boxes = ["image_id,left,top,right,bottom"]
    for lesion in range(18):
        for photo in range(1 + lesion % 3):
            name = f"I{lesion}_{photo}"
            picture(home / f"skin/images/{name}.jpg", 10 * lesion + photo)
            label, age = ("nv", "mel", "bkl")[lesion // 3 % 3], 20 + lesion
            rows.append(f"L{lesion},{name},{label},histo,{age},male,back")
            boxes.append(f"{name},{4 + photo},6,{20 + lesion % 5},28")
    (home / "skin/HAM10000_metadata.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (home / "skin/lesion_boxes.csv").write_text("\n".join(boxes) + "\n", encoding="utf-8")
    return home / "skin"


def as_table(spec: mmx.Spec) -> pd.DataFrame:
    """The samples of a spec as the table that a user would write."""
    rows: list[dict[str, Any]] = []
    for sample in spec.data.dataset.build().samples():
        row = {"id": sample.id, "group": sample.group, "label": sample.label, **sample.record}
        for place, image in enumerate(sample.images.get("image", ())):
            ending = f"_{place + 1}" if place else ""
            row[f"image{ending}"] = str(image) if image is not None else None
            boxes = sample.boxes.get("image", ())
            if boxes and boxes[place] is not None:
                names = (f"{name}{ending}" for name in ("left", "top", "right", "bottom"))
                row |= dict(zip(names, boxes[place] or (), strict=True))
        rows.append(row)
    return pd.DataFrame(rows)


def check(run: mmx.Run, table: pd.DataFrame, tiny_plugin: Path) -> None:
    """The table's answers are the run's own, all at once and one by one."""
    known = run.predictions.query("part == 'test'").set_index("sample")
    columns = [name for name in known if str(name).startswith("p_")]
    found = (
        mmx.predict(run.path, table, root="/", plugins=[tiny_plugin])
        .set_index("id")
        .loc[known.index]
    )
    np.testing.assert_allclose(found[columns].astype(float), known[columns], atol=1e-4)
    for name in known.index[:3]:
        one = mmx.predict(run.path, table[table["id"] == name], root="/", plugins=[tiny_plugin])
        np.testing.assert_allclose(
            one[columns].astype(float), known.loc[[name], columns], atol=1e-4
        )


def test_levels_around_a_crop(load: Load, spine: Path, tiny_plugin: Path) -> None:
    data = f"data.dataset={{type: spine, root: '{spine}', context: 3}}"
    spec = load(data, "data.narrative=template", SEQUENCE, "train.epochs=1")
    run, table = mmx.run(spec), as_table(spec)
    check(run, table, tiny_plugin)
    with pytest.raises(mmx.DataError, match="no column 'image_3', 'structure', 'level', which"):
        mmx.predict(run.path, table[["id", "image", "image_2"]], root="/", plugins=[tiny_plugin])
    own = mmx.evaluate_run(run.path, _written(table, spine), root="/", plugins=[tiny_plugin])
    assert "its test part is scored" in own.warnings[0]
    some = mmx.evaluate_run(
        run.path, _written(table.iloc[1:], spine), root="/", plugins=[tiny_plugin]
    )
    assert "have the id of a sample that the run learned from" in some.warnings[0]
    assert some.evaluation.samples == len(table) - 1


def _written(table: pd.DataFrame, folder: Path) -> Path:
    table.to_csv(folder / "new.csv", index=False)
    return folder / "new.csv"


def test_photographs_of_a_lesion(load: Load, skin: Path, tiny_plugin: Path) -> None:
    data = f"data.dataset={{type: ham10000, root: '{skin}', views: lesion}}"
    spec = load(data, "data.narrative=template", SEQUENCE, "train.epochs=1")
    check(mmx.run(spec), as_table(spec), tiny_plugin)


def test_boxes_are_asked_for_where_they_are_read(load: Load, skin: Path, tiny_plugin: Path) -> None:
    data = f"data.dataset={{type: ham10000, root: '{skin}'}}"
    image = "model.image={type: dual_expert, backbone: tiny_image}"
    spec = load(data, "data.narrative=template", image, "train.epochs=1")
    run, table = mmx.run(spec), as_table(spec)
    check(run, table, tiny_plugin)
    bare = table.drop(columns="left")
    with pytest.raises(mmx.DataError, match="no column 'left', which this run reads"):
        mmx.predict(run.path, bare, root="/", plugins=[tiny_plugin])
    assert (
        mmx.predict(run.path, bare, root="/", without=["boxes"], plugins=[tiny_plugin])["reason"]
        == ""
    ).all()
