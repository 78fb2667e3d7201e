"""A package that is written for plugin API 1 works unchanged, in models of an image and a text."""

import shutil
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import mmx
from mmx.testing import check_law, laws

PACKAGE = Path(__file__).parent / "mmx-mutan"
NEW = Path(__file__).parents[2] / "examples" / "plugin" / "src" / "mmx_mutan" / "mutan.py"
LOSS = '''
"""Cross-entropy that counts samples with both sides twice, by the columns of API 1."""
from typing import Literal

import mmx
import torch
from torch.nn.functional import cross_entropy


class TwiceParams(mmx.LossParams):
    type: Literal["twice"] = "twice"

    def build(self, class_counts):
        return Twice()


class Twice(mmx.Loss):
    def forward(self, outputs, target, progress):
        weights = 1 + (outputs.present[:, 0] & outputs.present[:, 1]).float()
        each = cross_entropy(outputs.logits, target, reduction="none")
        total = (weights * each).mean()
        return mmx.LossValue(total, {"twice": total.detach()})


@mmx.hookimpl
def mmx_components():
    return [TwiceParams]
'''


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The package, installed into a folder of its own."""
    folder = tmp_path / "site"
    shutil.copytree(PACKAGE / "src", folder)
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    info = folder / "mmx_mutan-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    points = project["entry-points"]["mmx"].items()
    (info / "entry_points.txt").write_text(
        "[mmx]\n" + "".join(f"{key} = {module}\n" for key, module in points)
    )
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    for name in [one for one in sys.modules if one.partition(".")[0] == "mmx_mutan"]:
        del sys.modules[name]


def probabilities(run: mmx.Run) -> np.ndarray:
    """[n, C], of both parts."""
    table = run.predictions
    return table[[name for name in table.columns if name.startswith("p_")]].to_numpy()


def test_it_runs_from_spec_to_report_and_computes_what_the_package_for_api_2_does(
    home: Path, site: Path, tiny_spec: Path, tiny_plugin: Path
) -> None:
    (home / "twice.py").write_text(LOSS)
    words = ["model.fusion=mmx-mutan/mutan", "loss=twice", "train.epochs=2"]
    files = [tiny_plugin, home / "twice.py"]
    spec = mmx.load_spec(tiny_spec, overrides=words, plugins=files)
    run = mmx.run(spec)
    assert "mutan" in run.report.read_text()
    case = home / "case.csv"
    case.write_text("text\na plain red spot\n")
    assert len(mmx.predict(run.path, case, without=["image"], plugins=files)) == 1
    words[0] = "model.fusion=local/mutan"
    new = mmx.run(mmx.load_spec(tiny_spec, overrides=words, plugins=[*files, NEW]))
    np.testing.assert_array_equal(probabilities(run), probabilities(new))


def test_the_list_says_for_which_api_a_method_is(site: Path) -> None:
    plugins = mmx.Plugins(files=[NEW])
    found = {one.long_name: one.api for one in plugins.installed("fusion")}
    assert (found["mmx-mutan/mutan"], found["local/mutan"], found["mmx/concat"]) == (1, 2, 2)
    assert {one.api for one in plugins.installed() if one.package == "mmx"} == {2}


@pytest.mark.parametrize("law", laws("fusion"))
def test_its_own_tests_of_the_laws_hold(site: Path, law: str) -> None:
    module = import_module("mmx_mutan.mutan")
    result = check_law(module.MutanParams, law)
    assert result.ok, result.detail


def test_it_is_refused_at_its_line_in_a_model_of_something_else(
    home: Path, site: Path, tiny_spec: Path, tiny_plugin: Path
) -> None:
    (home / "twice.py").write_text(LOSS)
    text = tiny_spec.read_text()
    assert "  image: tiny_image\n  text: tiny_text\n  fusion: concat\n" in text
    text = text.replace("  image: tiny_image\n  text: tiny_text\n", "  encoders: CHANGED\n")
    text = text.replace("CHANGED", "{text: tiny_text, image: tiny_image}")
    tiny_spec.write_text(text.replace("concat", "mutan") + "loss: twice\n")
    with pytest.raises(mmx.SpecError) as caught:
        mmx.load_spec(tiny_spec, plugins=[tiny_plugin, home / "twice.py"])
    lines = tiny_spec.read_text().splitlines()
    assert [(one.line, one.key) for one in caught.value.faults] == [
        (lines.index("  fusion: mutan") + 1, "model.fusion"), (len(lines), "loss"),
    ]  # fmt: skip
    assert "knows an image and a text alone; the model has text, image" in str(caught.value)


def test_life_cycle_functions_are_no_part_of_api_2(home: Path) -> None:
    file = home / "late.py"
    file.write_text(
        "import mmx\n\nMMX_API = 2\n\n@mmx.hookimpl\ndef mmx_run_started(run_path):\n    pass\n"
    )
    plugins = mmx.Plugins(path=[], files=[file])
    with pytest.raises(mmx.PluginError, match=r"mmx_run_started\(\) is a function of plugin API 1"):
        plugins.find("hook", "late")
