"""Whatever a file holds, only our own errors come out of reading it.

100 examples each; MMX_TEST_PROFILE=nightly makes them 2,000.
"""

import io
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

import mmx
from mmx.runs import RunFolder
from mmx_plugins.tasks.single_label import SingleLabelParams

PLUGIN = Path(__file__).parents[1] / "tiny" / "encoders.py"
_CHECKS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
any_place = settings(suppress_health_check=_CHECKS, deadline=None)
CELLS = st.text(max_size=8) | st.sampled_from(["", '"', "a,b", "\0", "..", "/etc", "nan", "1e999"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@st.composite
def damaged(draw: st.DrawFn, content: bytes, low: int = 0) -> bytes:
    """The content cut short, with some bytes changed, or with some put in."""
    place = draw(st.integers(low, max(low, len(content) - 1)))
    how = draw(st.sampled_from(["cut", "change", "insert", "twice"]))
    if how == "cut":
        return content[:place]
    put = draw(st.binary(min_size=1, max_size=8))
    if how == "change":
        return content[:place] + put + content[place + len(put) :]
    return content[:place] + (put if how == "insert" else content) + content[place:]


@given(data=st.data())
@any_place
def test_any_table_is_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["cells", "bytes", "parquet"]))
    file = tmp_path / ("t.parquet" if kind == "parquet" else "t.csv")
    if kind == "cells":
        rows = data.draw(st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=5))
        text = "photo,notes,label\n" + "\n".join(",".join(row) for row in rows)
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
    elif kind == "bytes":
        file.write_bytes(data.draw(st.binary(max_size=200)))
    else:
        raw = io.BytesIO()
        pd.DataFrame({"photo": ["a", None], "label": [1, 2]}).to_parquet(raw)
        file.write_bytes(data.draw(damaged(raw.getvalue())))
    try:
        table = mmx.read_table(file)
    except mmx.DataError:
        return
    assert isinstance(table, pd.DataFrame)
    if kind == "cells":
        manifest_or_refusal(file, list(table.columns))


def manifest_or_refusal(file: Path, columns: list[str]) -> None:
    from mmx.data import read_manifest

    params = (
        mmx.Plugins()
        .find("dataset", "table")
        .model_validate(
            {
                "type": "table",
                "path": file,
                "images": columns[:1],
                "label": columns[-1],
                "group": None,
            }
        )
    )
    try:
        manifest = read_manifest(params.build(), 1.0, SingleLabelParams())  # type: ignore[attr-defined]
    except mmx.DataError:
        return
    for sample in manifest.samples:
        for image in sample.images.get("image", ()):
            assert isinstance(image, Path)
            assert image.parent.resolve().is_relative_to(file.parent.resolve())


def pictures() -> dict[str, bytes]:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    found = {}
    for kind in ("PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP"):
        raw = io.BytesIO()
        Image.fromarray(pixels).save(raw, kind)
        found[kind] = raw.getvalue()
    return found


PICTURES = pictures()


@given(data=st.data(), kind=st.sampled_from(sorted(PICTURES)))
@any_place
def test_any_image_is_read_or_refused(tmp_path: Path, data: st.DataObject, kind: str) -> None:
    file = tmp_path / "any.bin"
    file.write_bytes(data.draw(st.binary(max_size=99) | damaged(PICTURES[kind])))
    with warnings.catch_warnings():  # as users have it: a warning of a decoder is no error
        warnings.simplefilter("ignore")
        try:
            pixels = mmx.read_image(file, pixel_limit=1_000_000)
        except mmx.DataError:
            return
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3
    assert pixels.shape[2] == 3


@given(value=JSON, path=st.lists(st.integers(0, 30), min_size=1, max_size=4), drop=st.booleans())
@any_place
@example(value=float("nan"), path=[0], drop=False)
@pytest.mark.parametrize("name", ["model.json", "environment.json", "metrics.json"])
def test_any_facts_of_a_run_are_read_or_refused(
    place: Any, name: str, value: object, path: list[int], drop: bool
) -> None:
    file = place / "run" / name
    whole = file.read_bytes()
    file.write_text(json.dumps(changed(json.loads(whole), path, value, drop)))
    try:
        used(place / "run", name)
    finally:
        file.write_bytes(whole)


def changed(content: Any, path: list[int], value: object, drop: bool) -> Any:
    """The content with one value, found by walking down, replaced or dropped."""
    if not path or not isinstance(content, dict | list) or not content:
        return value
    keys = list(content) if isinstance(content, dict) else list(range(len(content)))
    key = keys[path[0] % len(keys)]
    if drop and len(path) == 1:
        content.pop(key)
    else:
        content[key] = changed(content[key], path[1:], value, drop)
    return content


def used(run: Path, name: str) -> None:
    """Use what the file is for, as a stranger wrote it; only our own errors may come out."""
    RunFolder(run).finish()
    work: list[Callable[[], object]] = [
        lambda: mmx.predict(run, mmx.Case("a", text="b"), without=["image"], plugins=[PLUGIN])
    ]
    if name == "metrics.json":
        work = [lambda: mmx.Run(run).headline()]
    elif name == "predictions.parquet":
        work = [lambda: mmx.Run(run).predictions]
    for one in work:
        try:
            one()
        except mmx.MmxError:
            continue


@given(data=st.data())
@any_place
@pytest.mark.parametrize("name", ["model.safetensors", "predictions.parquet", "finished.json"])
def test_any_damaged_file_of_a_run_is_read_or_refused(
    place: Any, name: str, data: st.DataObject
) -> None:
    file, record = place / "run" / name, place / "run" / "finished.json"
    whole, sealed = file.read_bytes(), record.read_bytes()
    file.write_bytes(data.draw(damaged(whole)))
    try:
        if file.read_bytes() != whole:
            with pytest.raises(mmx.RunError, match=name):  # a changed bit: another diagnosis
                RunFolder(place / "run").check()
        if name != "finished.json":
            used(place / "run", name)  # it seals the damaged file, so both are put back
    finally:
        record.write_bytes(sealed)
        file.write_bytes(whole)


EVIL = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "\x1b[2Jbell\x07"]


def test_names_and_texts_never_become_markup_or_commands(
    place: Any, command: Callable[..., Any]
) -> None:
    rows = pd.read_csv(place / "cases.csv")
    rows["finding"] = [EVIL[0] if name == "benign" else EVIL[2] for name in rows["finding"]]
    texts = ["<script>alert(2)</script>", EVIL[1], "\x1b[3Jding\x07"]  # no name of a class
    rows["notes"] = [texts[row % 3] + " itches" for row in range(len(rows))]
    rows["person"] = [f"{EVIL[row % 3]}{row}" for row in range(len(rows))]
    rows.to_csv(place / "cases.csv", index=False)
    done = command("run", "spec.yaml", "--plugin", PLUGIN)
    assert done.exit_code == 0, done.output
    run = next((place / "runs").iterdir())
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)" in page
    for raw in ("<script", "<img src=x", "\x1b", "\x07"):
        assert raw not in page, raw
    told = command("predict", run, "--text", "it itches", "--without", "image", "--plugin", PLUGIN)
    assert told.exit_code == 0, told.output
    assert "\x1b" not in told.output
    assert "\\x1b[2Jbell\\x07" in told.output
