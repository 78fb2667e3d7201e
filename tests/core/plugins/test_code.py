"""What a source digest covers: all code that can move a number, and nothing else."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mmx.errors import PluginError
from mmx.plugins import Plugins, core_code, file_digest
from mmx.plugins.libraries import imported_libraries
from mmx.plugins.parsed_file import parse

Install = Callable[..., Path]
FORMULA = '"""Mixes."""\n\n\ndef mix(v, t):\n    """Add."""\n    return v + t  # both\n'


@pytest.fixture
def film_of_two(install: Install, film: str) -> Path:
    """A package whose method takes its formula from a file beside it."""
    whole = film.replace("from typing", "from film_two.formula import mix\nfrom typing")
    modules = {
        "film_two/__init__.py": "",
        "film_two/film.py": whole,
        "film_two/formula.py": FORMULA,
        "film_two/later.py": "SCALE = 2\n",
        "film_two/table.csv": "a,1\n",
    }
    return install("mmx-film", {"fusion.film": "film_two.film"}, modules) / "film_two"


def digest(folder: Path) -> str:
    return Plugins(path=[str(folder.parent)]).source("fusion", "film").digest


def edit(file: Path, old: str, new: str) -> None:
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("formula.py", "v + t", "v * t"),
        ("later.py", "2", "3"),  # imported by name, perhaps
        ("table.csv", "1", "2"),
        ("film.py", '"film"', '"film" ""'),
    ],
)
def test_an_edit_anywhere_in_the_package_is_another_digest(
    film_of_two: Path, name: str, old: str, new: str
) -> None:
    before = digest(film_of_two)
    edit(film_of_two / name, old, new)
    assert (digest(film_of_two) == before) == (name == "film.py")  # "film" "" is one constant


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# both", "# the sum of both"),
        ('"""Add."""', '"""Add two."""'),
        ('    """Add."""\n', ""),
        ('"""Mixes."""', '# nothing'),
        ("v + t", "(v\n            + t)"),
    ],
)  # fmt: skip
def test_words_and_layout_change_nothing(film_of_two: Path, old: str, new: str) -> None:
    before = digest(film_of_two)
    edit(film_of_two / "formula.py", old, new)
    assert digest(film_of_two) == before


def test_constants_names_and_types_of_numbers_are_code() -> None:
    texts = ["a = 1", "a = 1.0", "a = True", "a = '1'", "a = b'1'", "a = -1", "b = 1", "a += 1"]
    assert len({parse(text.encode()).digest for text in texts}) == len(texts)
    assert parse(b"f(a, b)").digest != parse(b"f(a)(b)").digest


def test_the_digest_covers_the_version_of_what_the_package_requires(film_of_two: Path) -> None:
    site = film_of_two.parent
    (metadata,) = site.glob("mmx_film-*.dist-info/METADATA")
    metadata.write_text(
        metadata.read_text() + "Requires-Dist: film-grain>=1\nRequires-Dist: nose; extra == 'x'\n"
    )
    for name, version in (("film_grain", "1.0"), ("nose", "1.0")):
        folder = site / f"{name}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
    before = Plugins(path=[str(site)]).source("fusion", "film")
    assert before.code.libraries["film-grain"] == "1.0"
    assert "nose" not in before.code.libraries
    edit(site / "film_grain.dist-info" / "METADATA", "1.0", "1.1")
    assert digest(film_of_two) != before.digest


def test_a_local_file_brings_what_it_imports_from_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("import torch\nfrom beside import mix\nfrom inner import deep\n")
    (tmp_path / "beside.py").write_text(FORMULA)
    (tmp_path / "stranger.py").write_text("x = 1\n")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "__init__.py").write_text("")
    (tmp_path / "inner" / "deep.py").write_text("from . import deeper\n")
    (tmp_path / "inner" / "deeper.py").write_text("y = 1\n")
    before = file_digest(file)
    edit(tmp_path / "stranger.py", "1", "2")
    assert file_digest(file) == before
    for name, old in (("beside.py", "v + t"), ("inner/deeper.py", "1")):
        edit(tmp_path / name, old, "7")
        assert file_digest(file) != before
        before = file_digest(file)


@pytest.mark.parametrize(
    ("text", "executed"),
    [
        ("if TYPE_CHECKING:\n    import beside\n", False),
        ("if typing.TYPE_CHECKING:\n    from beside import mix\n", False),
        ("if not TYPE_CHECKING:\n    import beside\n", True),
        ("if TYPE_CHECKING:\n    mix = 1\nelse:\n    from beside import mix\n", True),
        ("if TYPE_CHECKING:\n    mix = 1\nelif fast:\n    from beside import mix\n", True),
        ("def late():\n    from beside import mix\n", True),
    ],
)
def test_what_only_checkers_import_is_no_code(tmp_path: Path, text: str, executed: bool) -> None:
    file, beside = tmp_path / "mine.py", tmp_path / "beside.py"
    file.write_text(text)
    beside.write_text(FORMULA)
    before = file_digest(file)
    edit(beside, "v + t", "v - t")
    assert (file_digest(file) != before) == executed


def test_a_method_of_the_box_knows_nothing_of_its_neighbours() -> None:
    concat = Plugins().source("fusion", "concat").code
    assert "mmx_plugins/fusion/concat.py" in concat.files
    assert "mmx_plugins/fusion/film.py" not in concat.files
    assert "mmx/blocks/presence.py" in concat.files
    mamba = Plugins().source("fusion", "mamba").code
    assert "mmx_plugins/fusion/_mamba/ssd.py" in mamba.files, "what lies beside it is its own"
    timm = Plugins().source("encoder", "timm").code
    assert {"timm", "torch"} <= timm.libraries.keys()
    assert not {"pytest", "typer", "rich", "filelock"} & timm.libraries.keys()


def test_what_imports_from_a_room_that_is_left_out_is_left_out() -> None:
    whole = core_code(["mmx.experiment.whole_run"]).files
    less = core_code(["mmx.experiment.whole_run"], without="mmx.report").files
    assert "mmx/experiment/pages.py" in whole
    assert {"mmx/experiment/pages.py", "mmx/report/page.py"}.isdisjoint(less)
    assert "mmx/inference/prediction.py" in less


def test_libraries_are_found_under_the_names_that_python_knows() -> None:
    found = imported_libraries({"PIL", "sklearn", "yaml", "torch", "no_such_library"})
    assert set(found) == {"pillow", "scikit-learn", "torch"}


def test_code_that_was_edited_after_its_import_is_not_taken_for_what_runs(
    film_of_two: Path,
) -> None:
    plugins = Plugins(path=[str(film_of_two.parent)])
    plugins.find("fusion", "film")
    edit(film_of_two / "formula.py", "v + t", "v - t")
    os.utime(film_of_two / "formula.py", ns=(1, 1))
    with pytest.raises(PluginError, match=r"film_two/formula\.py was edited after .*begin a new"):
        plugins.source("fusion", "film")
