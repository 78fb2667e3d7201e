"""Local plugin files: as good as installed ones, and known by their digest."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mmx.errors import PluginError, PluginLoadError
from mmx.plugins import Plugins, file_digest
from mmx.plugins.loading import import_file

Install = Callable[..., Path]


@pytest.fixture
def file(site: Path, film: str) -> Path:
    path = site.parent / "my film.py"
    path.write_text(film.lstrip())
    return path


def test_a_local_file_is_listed_with_its_digest_and_found(file: Path) -> None:
    plugins = Plugins(path=[])
    added = plugins.add_file(file)
    digest = file_digest(file)
    assert (added.key, added.package, added.status) == ("fusion.film", "local", "found")
    assert added.version == f"sha256:{digest[:12]}"
    assert plugins.installed() == [added]
    assert plugins.source("fusion", "film").digest == digest
    assert plugins.find("fusion", "film") is plugins.find("fusion", "local/film")


def test_adding_the_same_file_again_changes_nothing_unless_it_was_edited(file: Path) -> None:
    plugins = Plugins(path=[])
    first = plugins.add_file(file)
    before = plugins.find("fusion", "film")
    assert plugins.add_file(str(file)) == first
    assert plugins.find("fusion", "film") is before
    file.write_text(file.read_text() + "\nEDITED = True\n")
    assert plugins.add_file(file).version != first.version
    assert len(plugins.installed()) == 1
    assert plugins.find("fusion", "film") is not before


def test_an_edit_of_the_same_length_and_second_counts(site: Path) -> None:
    file = site.parent / "probe.py"
    text = "import mmx\nVALUE = 1\n@mmx.hookimpl\ndef mmx_run_finished(run_path):\n    pass\n"
    for value in "12":
        file.write_text(text.replace("1", value))
        os.utime(file, (1_700_000_000, 1_700_000_000))  # bytecode is known by second and size
        module = import_file(file, "probe")
        assert int(value) == module.VALUE
    assert not (file.parent / "__pycache__").exists()


def test_a_local_file_does_not_silently_replace_an_installed_method(
    install: Install, film: str, file: Path
) -> None:
    plugins = Plugins(
        path=[str(install("mmx-film", {"fusion.film": "film_a"}, {"film_a.py": film}))]
    )
    plugins.add_file(file)
    with pytest.raises(PluginError, match="write mmx-film/film or local/film"):
        plugins.find("fusion", "film")
    assert plugins.find("fusion", "local/film").__module__.startswith("mmx_local_")


def test_a_local_file_of_life_cycle_functions_alone_is_a_hook(file: Path) -> None:
    file.write_text(
        "from mmx import hookimpl\n\n@hookimpl\ndef mmx_audit_checks():\n    return [1]\n"
    )
    plugins = Plugins(path=[])
    assert plugins.add_file(file).key == "hook.my film"
    assert plugins.find("hook", "my film")().build().audit_checks() == [1]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1", "my film.py of local cannot be loaded: .*has no mmx_components"),
        ("\nimport nowhere_at_all", r"my film\.py:2: ModuleNotFoundError"),
        ("MMX_API = None", r"my film\.py:1: MMX_API must be a plain integer"),
        ("def f(:", r"my film\.py:1: "),
        ("MMX_API = 3\n1 / 0", "made for plugin API 3, and this mmx has 2 and 1; update mmx"),
    ],
)
def test_a_broken_local_file_says_what_and_where_and_is_not_listed(
    file: Path, text: str, words: str
) -> None:
    file.write_text(text)
    plugins = Plugins(path=[])
    with pytest.raises(PluginError, match=words):
        plugins.add_file(file)
    assert plugins.installed() == []


def test_an_edit_that_breaks_a_local_file_does_not_leave_the_old_version(file: Path) -> None:
    plugins = Plugins(path=[])
    plugins.add_file(file)
    file.write_text("import nowhere_at_all\n")
    with pytest.raises(PluginLoadError):
        plugins.add_file(file)
    assert plugins.installed() == []


@pytest.mark.parametrize(
    ("name", "words"), [("gone.py", "does not exist"), ("site", "is not a Python file")]
)
def test_what_is_no_python_file_is_refused(site: Path, name: str, words: str) -> None:
    with pytest.raises(PluginError, match=words):
        Plugins(path=[]).add_file(site.parent / name)
