"""Listing methods: every state has its words, and nothing is imported."""

import site as site_packages
import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path

import pytest

from mmx.errors import PluginError
from mmx.plugins import InstalledMethod, Plugins

Install = Callable[..., Path]


def only(folder: Path) -> InstalledMethod:
    (method,) = Plugins(path=[str(folder)]).installed()
    return method


def test_a_method_is_listed_with_what_its_distribution_says(install: Install, film: str) -> None:
    folder = install("mmx-film", {"fusion.film": "film_a"}, {"film_a.py": film}, version="2.1")
    assert only(folder) == InstalledMethod(
        kind="fusion",
        type="film",
        key="fusion.film",
        package="mmx-film",
        version="2.1",
        module="film_a",
        status="found",
        reason="",
        summary="Feature-wise modulation of one modality by the other.",
    )


def test_without_a_module_docstring_the_settings_speak(install: Install) -> None:
    text = '''
        class Other:
            """Something else."""

        class FilmParams(Unknown):
            """Settings of film.

            More words.
            """
            type: Literal["film"] = "film"
    '''
    folder = install("mmx-film", {"fusion.film": "film_a"}, {"film_a.py": text})
    assert only(folder).summary == "Settings of film."


def test_listing_imports_neither_the_plugin_nor_its_package(install: Install, film: str) -> None:
    package = {"loud/__init__.py": "raise SystemExit(3)", "loud/film.py": "1 / 0\n" + film}
    folder = install("mmx-film", {"fusion.film": "loud.film"}, package)
    code = (
        "import sys, mmx\n"
        f"(method,) = mmx.Plugins(path=[{str(folder)!r}]).installed()\n"
        "assert method.status == 'found', method\n"
        "heavy = 'loud torch numpy pandas pydantic transformers timm sklearn matplotlib'.split()\n"
        "print([name for name in heavy if name in sys.modules])\n"
    )
    listed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (listed.stdout, listed.stderr) == ("[]\n", "")


def test_a_missing_module_is_named(install: Install) -> None:
    method = only(install("mmx-film", {"fusion.film": "film_gone.film"}, {}))
    assert method.status == "missing module"
    assert "film_gone.film" in method.reason


def test_the_same_key_twice_names_both_distributions(install: Install, film: str) -> None:
    install("mmx-film", {"fusion.film": "film_a"}, {"film_a.py": film})
    folder = install("mmx-rival", {"fusion.film": "film_b"}, {"film_b.py": film})
    methods = Plugins(path=[str(folder)]).installed()
    assert [method.status for method in methods] == ["clash", "clash"]
    assert "mmx-film and mmx-rival" in methods[0].reason


@pytest.mark.parametrize("api", [1, 2])
def test_this_and_the_previous_plugin_api_are_accepted(
    install: Install, film: str, api: int
) -> None:
    text = f"{film}\nMMX_API = {api}\n"
    folder = install("mmx-film", {"fusion.film": "film_a"}, {"film_a.py": text})
    assert only(folder).status == "found"


def test_a_newer_plugin_api_asks_for_a_newer_mmx(install: Install, film: str) -> None:
    text = f"{film}\nMMX_API: int = 3\n"
    method = only(install("mmx-film", {"fusion.film": "film_a"}, {"film_a.py": text}))
    assert method.status == "incompatible"
    assert method.reason == "made for plugin API 3, and this mmx has 2 and 1; update mmx"


def test_an_older_plugin_api_asks_for_a_newer_plugin(
    install: Install, film: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mmx.plugins.names.API", 4)
    monkeypatch.setattr("mmx.plugins.names.ACCEPTED", (4, 3))
    text = f"{film}\nMMX_API = 1\n"
    method = only(install("mmx-film", {"fusion.film": "film_a"}, {"film_a.py": text}))
    assert method.status == "incompatible"
    assert method.reason == "made for plugin API 1, and this mmx has 4 and 3; update mmx-film"


def test_a_plugin_api_that_is_computed_is_refused(install: Install, film: str) -> None:
    text = f"MMX_API = 1 + 0\n{film}"
    method = only(install("mmx-film", {"fusion.film": "film_a"}, {"film_a.py": text}))
    assert method.status == "incompatible"
    assert "film_a.py:1: MMX_API must be a plain integer" in method.reason


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("fuson.film", "film_a", "no kind 'fuson'; nearest: fusion"),
        ("film", "film_a", "must be KIND.TYPE"),
        ("fusion.film", "film_a:FilmParams", "must name a module"),
    ],
)
def test_an_entry_point_of_the_wrong_form_says_what_is_wrong(
    install: Install, film: str, key: str, value: str, words: str
) -> None:
    method = only(install("mmx-film", {key: value}, {"film_a.py": film}))
    assert method.status == "incompatible"
    assert words in method.reason


def test_entry_points_that_cannot_be_read_do_not_hide_the_others(
    install: Install, film: str
) -> None:
    folder = install("mmx-film", {"fusion.film": "film_a"}, {"film_a.py": film})
    install("mmx-torn", {"fusion.torn": "torn"}, {})
    (folder / "mmx_torn-1.0.dist-info/entry_points.txt").write_text("[mmx]\nfusion.torn\n")
    (folder / "alien-1.0.dist-info").mkdir()
    (folder / "alien-1.0.dist-info/entry_points.txt").write_bytes(b"[mmx]\n\xff\xfe")
    states = {one.package: one.status for one in Plugins(path=[str(folder)]).installed()}
    assert states == {"mmx-film": "found", "mmx-torn": "incompatible"}


def test_the_first_of_two_copies_of_a_distribution_counts(
    install: Install, film: str, tmp_path: Path
) -> None:
    older = install("mmx-film", {"fusion.film": "film_a"}, {"film_a.py": film})
    newer = tmp_path / "newer"
    install("mmx_film", {"fusion.film": "film_a"}, {"film_a.py": film}, version="2", folder=newer)
    (method,) = Plugins(path=[str(newer), str(older)]).installed()
    assert (method.version, method.status) == ("2", "found")


@pytest.mark.parametrize("name", ["fusion.film", "film", "MMX.Film", "mmx-film/film"])
def test_what_the_environment_blocks_is_listed_as_blocked(
    install: Install, film: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("MMX_BLOCK_PLUGINS", f"head.mlp, {name}")
    method = only(install("mmx-film", {"fusion.film": "film_a"}, {"film_a.py": film}))
    assert (method.status, method.reason) == ("blocked", f"blocked by MMX_BLOCK_PLUGINS={name}")


def test_an_editable_install_is_followed_to_its_source(
    install: Install, site: Path, film: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("mmx-film", {"fusion.film": "away.film"}, {})
    source = tmp_path / "checkout" / "away"
    source.mkdir(parents=True)
    (source / "film.py").write_text(film.lstrip())
    (site / "_mmx_film.pth").write_text(f"{source.parent}\n")
    monkeypatch.setattr(sys, "path", [*sys.path])
    site_packages.addsitedir(str(site))
    (method,) = [one for one in Plugins().installed("fusion") if one.package == "mmx-film"]
    assert method.summary.startswith("Feature-wise modulation")


def test_an_editable_install_by_an_import_hook_is_followed_too(
    install: Install, film: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "checkout" / "hooked"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("1 / 0\n")
    (package / "film.py").write_text(film.lstrip())

    class Finder:  # what setuptools writes for an editable install
        @staticmethod
        def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
            folder = [str(package)]
            file = package / "__init__.py"
            where = spec_from_file_location(name, file, submodule_search_locations=folder)
            return where if name == "hooked" else None

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder])
    install("mmx-film", {"fusion.film": "hooked.film"}, {})
    (method,) = [one for one in Plugins().installed("fusion") if one.package == "mmx-film"]
    assert method.summary.startswith("Feature-wise modulation")
    assert "hooked" not in sys.modules


def test_a_nested_namespace_package_is_searched_in_all_its_folders(
    install: Install, film: str, tmp_path: Path
) -> None:
    other = tmp_path / "other" / "spaces" / "inner"
    other.mkdir(parents=True)
    folder = install(
        "mmx-film", {"fusion.film": "spaces.inner.film"}, {"spaces/inner/film.py": film}
    )
    (method,) = Plugins(path=[str(tmp_path / "other"), str(folder)]).installed()
    assert method.status == "found"


def test_a_zip_file_on_the_path_is_read(install: Install, film: str, tmp_path: Path) -> None:
    folder = install("mmx-film", {"fusion.film": "film_z"}, {"film_z.py": film})
    archive = tmp_path / "bundle.zip"
    with zipfile.ZipFile(archive, "w") as bundle:
        for file in folder.rglob("*.*"):
            bundle.write(file, file.relative_to(folder))
    (method,) = Plugins(path=[str(archive)]).installed()
    assert (method.status, method.summary[:12]) == ("found", "Feature-wise")


def test_only_one_kind_is_listed_when_asked_for(install: Install, film: str) -> None:
    points = {"fusion.film": "film_a", "head.film": "film_a"}
    folder = install("mmx-film", points, {"film_a.py": film})
    plugins = Plugins(path=[str(folder)])
    assert [one.key for one in plugins.installed("head")] == ["head.film"]
    with pytest.raises(PluginError, match="no kind 'haed'; nearest: head"):
        plugins.installed("haed")


def test_every_method_that_ships_is_listed_as_found() -> None:
    broken = [one for one in Plugins().installed() if one.package == "mmx" and one.reason]
    assert not broken
