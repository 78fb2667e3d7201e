"""Packages from outside, installed from wheels beside the wheel of mmx: listed, checked and run."""

import json
from pathlib import Path
from typing import Protocol

import pytest
from warm_processes import WarmPython

REPOSITORY = Path(__file__).parents[2]
SPEC = """
name: third-party
data:
  dataset: {{type: synthetic, n: 60, classes: 2, image_size: 32}}
  narrative: {{type: column, column: text}}
  image: {{height: 32, width: 32}}
model:
  image: {{type: timm, arch: test_efficientnet, weights: none}}
  text: {{type: transformers, model: bundled, weights: none}}
  fusion: {fusion}
  head: {head}
loss: {loss}
train: {{epochs: 1, batch_size: 16}}
"""


class Fresh(Protocol):
    """What the fixture `fresh` gives."""

    folder: Path
    packages: Path
    python: Path

    @property
    def warm(self) -> WarmPython: ...

    def environment(self) -> dict[str, str]: ...

    def run(self, *words: str | Path, cwd: Path | None = None) -> str: ...

    def mmx(self, *words: str | Path) -> str: ...


def test_the_environment_does_not_see_this_checkout(fresh: Fresh) -> None:
    code = "import mmx, mmx_plugins, mmx_cli, mmx_mutan, sys; "
    code += "print(*(m.__file__ for m in (mmx, mmx_plugins, mmx_cli, mmx_mutan)), *sys.path)"
    printed = fresh.run(fresh.python, "-c", code).split()
    assert all(Path(file).is_relative_to(fresh.packages) for file in printed[:4])
    assert not any(Path(place).is_relative_to(REPOSITORY / "core") for place in printed[4:])


@pytest.mark.parametrize(
    ("key", "package", "version"),
    [
        ("fusion.my_fusion", "mmx-my-fusion", "0.1.0"),
        ("head.my_head", "mmx-my-head", "0.1.0"),
        ("loss.my_loss", "mmx-my-loss", "0.1.0"),
        ("fusion.mutan", "mmx-mutan", "0.1.0"),
    ],
)
def test_it_is_listed_with_its_distribution(
    fresh: Fresh, key: str, package: str, version: str
) -> None:
    methods = json.loads(fresh.run("mmx", "plugins", "list", "--json"))
    (found,) = [method for method in methods if method["key"] == key]
    told = {name: found[name] for name in ("package", "version", "status")}
    assert told == {"package": package, "version": version, "status": "found"}


@pytest.mark.parametrize("name", ["mmx-my-fusion/my_fusion", "fusion.mutan"])
def test_it_gets_its_certificate(fresh: Fresh, name: str) -> None:
    told = json.loads(fresh.mmx("plugins", "check", name, "--json"))
    assert told["ok"]
    assert told["package"] in ("mmx-my-fusion", "mmx-mutan")
    assert {check["status"] for check in told["checks"]} == {"passed"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fusion", "head", "loss"),
    [("my_fusion", "my_head", "my_loss"), ("{type: mutan, core: 16, rank: 2}", "mlp", "focal")],
    ids=["generated", "example"],
)
def test_a_spec_that_names_it_runs(fresh: Fresh, fusion: str, head: str, loss: str) -> None:
    spec = fresh.folder / f"{loss}.yaml"
    spec.write_text(SPEC.format(fusion=fusion, head=head, loss=loss), encoding="utf-8")
    printed = fresh.mmx("run", spec)
    assert printed.startswith("balanced accuracy ")
    report = Path(printed.split("report: ")[1].strip())
    assert report.is_relative_to(fresh.folder / "runs")
    environment = json.loads((report.parent / "environment.json").read_text())
    package = {"my_fusion": "mmx-my-fusion"}.get(fusion, "mmx-mutan")
    assert package in json.dumps(environment)


@pytest.mark.slow
def test_the_example_keeps_its_own_tests(fresh: Fresh, tmp_path: Path) -> None:
    tests = REPOSITORY / "examples" / "plugin" / "tests"
    words = ("-q", "-p", "no:cacheprovider", "--rootdir", tmp_path, tests)
    process = fresh.warm.start(
        *words, module="pytest", environment=fresh.environment(), folder=tmp_path
    )
    printed, _ = process.communicate()
    assert process.wait() == 0, printed
    assert " passed" in printed
