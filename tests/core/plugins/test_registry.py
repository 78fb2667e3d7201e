"""Finding one method: only its module is imported, and each failure says what to do."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mmx.errors import PluginError, PluginLoadError
from mmx.interfaces import API as INTERFACES_API
from mmx.plugins import Plugins
from mmx.plugins.api import API

Install = Callable[..., Path]


def test_the_registry_and_the_interfaces_state_the_same_version() -> None:
    assert API == INTERFACES_API


def test_find_gives_the_class_and_imports_only_its_module(install: Install, film: str) -> None:
    points = {"fusion.film": "film_a", "head.loud": "loud_b"}
    folder = install("mmx-film", points, {"film_a.py": film, "loud_b.py": "1 / 0"})
    found = Plugins(path=[str(folder)]).find("fusion", "film")
    assert found(dim=3).model_dump() == {"dim": 3, "type": "film"}  # type: ignore[call-arg]
    assert "loud_b" not in sys.modules


def test_one_module_may_provide_several_methods(install: Install, film: str) -> None:
    text = film.replace(
        "@hookimpl",
        'class WideParams(FilmParams):\n    type: Literal["wide"] = "wide"\n\n@hookimpl',
    ).replace("[FilmParams]", "[FilmParams, WideParams]")
    points = {"fusion.film": "film_a", "fusion.wide": "film_a"}
    plugins = Plugins(path=[str(install("mmx-film", points, {"film_a.py": text}))])
    names = [plugins.find("fusion", type).__name__ for type in ("film", "wide", "film")]
    assert names == ["FilmParams", "WideParams", "FilmParams"]


@pytest.mark.parametrize(
    ("kind", "type", "words"),
    [
        ("fusion", "flim", r"no fusion 'flim' is installed; nearest: film. Run `mmx plugins list`"),
        ("fuson", "film", "there is no kind 'fuson'; nearest: fusion"),
        ("head", "film", "no head 'film' is installed; 'film' is of the kind fusion"),
        ("fusion", "transformer", "no fusion 'transformer' is installed; installed: film"),
        ("fusion", "mmx-flim/film", "nearest: mmx-film/film"),
    ],
)
def test_a_name_that_nobody_has_gets_the_nearest(
    install: Install, film: str, kind: str, type: str, words: str
) -> None:
    folder = install("mmx-film", {"fusion.film": "film_a"}, {"film_a.py": film})
    with pytest.raises(PluginError, match=words):
        Plugins(path=[str(folder)]).find(kind, type)


@pytest.fixture
def rivals(install: Install, film: str) -> Plugins:
    install("mmx-film", {"fusion.film": "film_a"}, {"film_a.py": film})
    folder = install("mmx-rival", {"fusion.film": "film_b"}, {"film_b.py": film})
    return Plugins(path=[str(folder)])


def test_a_clash_names_both_distributions_and_the_way_out(rivals: Plugins) -> None:
    words = (
        "provided by mmx-film and mmx-rival; write mmx-film/film or mmx-rival/film, or uninstall"
    )
    with pytest.raises(PluginError, match=words):
        rivals.find("fusion", "film")


def test_a_name_of_mmx_stays_its_own_and_who_claims_it_too_is_told(
    install: Install, film: str
) -> None:
    install("mmx", {"fusion.film": "film_a"}, {"film_a.py": film})
    folder = install("mmx-rival", {"fusion.film": "film_b"}, {"film_b.py": film})
    plugins = Plugins(path=[str(folder)])
    assert plugins.find("fusion", "film").__module__ == "film_a"
    words = "fusion.film is the one of mmx; mmx-rival claims the name too: write mmx-rival/film"
    assert plugins.notes == (words,)
    own, rival = plugins.installed("fusion")
    assert (own.status, rival.status, rival.reason) == ("found", "clash", words)
    other = plugins.find("fusion", "mmx-rival/film")
    assert other.__module__ == "film_b"
    source = plugins.source_of(other)
    assert (source.package, source.code.files.keys() & {"film_a.py"}) == ("mmx-rival", set())


@pytest.mark.parametrize(("name", "module"), [("mmx_film", "film_a"), ("MMX-Rival", "film_b")])
def test_the_long_name_resolves_a_clash(rivals: Plugins, name: str, module: str) -> None:
    assert rivals.find("fusion", f"{name}/film").__module__ == module


def test_blocking_one_of_two_rivals_leaves_the_other(
    install: Install, film: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("mmx-film", {"fusion.film": "film_a"}, {"film_a.py": film})
    folder = install("mmx-rival", {"fusion.film": "film_b"}, {"film_b.py": film})
    monkeypatch.setenv("MMX_BLOCK_PLUGINS", "mmx-film")
    plugins = Plugins(path=[str(folder)])
    assert plugins.find("fusion", "film").__module__ == "film_b"
    with pytest.raises(PluginError, match="blocked by MMX_BLOCK_PLUGINS=mmx-film"):
        plugins.find("fusion", "mmx-film/film")


def test_a_blocked_method_is_never_imported(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = install("mmx-film", {"fusion.film": "film_a"}, {"film_a.py": "1 / 0"})
    monkeypatch.setenv("MMX_BLOCK_PLUGINS", "film")
    with pytest.raises(PluginError, match="fusion.film of mmx-film cannot be used: blocked"):
        Plugins(path=[str(folder)]).find("fusion", "film")


@pytest.mark.parametrize(
    ("modules", "words"),
    [
        ({}, "there is no module film_a; reinstall mmx-film"),
        ({"film_a.py": "MMX_API = 9\n1 / 0"}, "made for plugin API 9"),
    ],
)
def test_what_cannot_be_used_says_why(
    install: Install, modules: Mapping[str, str], words: str
) -> None:
    folder = install("mmx-film", {"fusion.film": "film_a"}, modules)
    with pytest.raises(PluginError, match=words):
        Plugins(path=[str(folder)]).find("fusion", "film")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "import os\nimport nowhere_at_all",
            r"film_a\.py:2: ModuleNotFoundError: .*nowhere_at_all",
        ),
        ('"""Words."""\n\ndef f(:\n', r"film_a\.py:3: SyntaxError"),
        ("\nraise SystemExit('bye')", r"film_a\.py:1: SystemExit: bye"),
    ],
)
def test_a_broken_import_names_file_and_line(install: Install, text: str, words: str) -> None:
    folder = install("mmx-film", {"fusion.film": "film_a"}, {"film_a.py": text})
    with pytest.raises(
        PluginLoadError, match=f"fusion.film of mmx-film cannot be loaded: .*{words}"
    ):
        Plugins(path=[str(folder)]).find("fusion", "film")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("mmx_components", "mmx_component", "no hook 'mmx_component'; nearest: mmx_components"),
        ("mmx_components()", "mmx_components(spec)", "spec"),
        ("@hookimpl\n", "", "not marked as a hook; write @hookimpl above it"),
        ("@hookimpl\ndef mmx_components():\n    return [FilmParams]", "", "return .YourParams."),
        ("return [FilmParams]", "pass", "gives nothing; return a list"),
        ("return [FilmParams]", "return FilmParams", "must return a list of Params classes"),
        ("[FilmParams]", "[FilmParams()]", "must return Params classes, not FilmParams"),
        ("    type: Literal", "    sort: Literal", 'has no type; write type: Literal."name".'),
        ('Literal["film"] =', "str =", "is str, which is not exactly its name; write type: Lit"),
        ('["film"] = "film"', '["flim"] = "film"', "Literal..flim.., which is not exactly its"),
        ('["film"] = "film"', '["flim"] = "flim"', "or the entry point to 'fusion.flim'"),
        ("return [FilmParams]", "return 1 / 0", r"film_a\.py:12: ZeroDivisionError"),
    ],
)
def test_a_plugin_that_breaks_the_contract_is_told_what_to_change(
    install: Install, film: str, old: str, new: str, words: str
) -> None:
    assert old in film
    text = film.replace(old, new)
    folder = install("mmx-film", {"fusion.film": "film_a"}, {"film_a.py": text})
    with pytest.raises(PluginLoadError, match=words) as caught:
        Plugins(path=[str(folder)]).find("fusion", "film")
    assert "film_a.py" in str(caught.value)


def test_a_component_of_another_kind_than_its_key_is_refused(install: Install, film: str) -> None:
    folder = install("mmx-film", {"head.film": "film_a"}, {"film_a.py": film})
    words = "entry point is 'head.film', but it provides FilmParams with kind 'fusion'"
    with pytest.raises(PluginLoadError, match=words):
        Plugins(path=[str(folder)]).find("head", "film")


def test_a_broken_plugin_leaves_the_others_alone(install: Install, film: str) -> None:
    misspelt = film.replace("mmx_components", "mmx_component")
    points = {"fusion.film": "film_a", "fusion.bad": "bad_b"}
    folder = install("mmx-film", points, {"film_a.py": film, "bad_b.py": misspelt})
    plugins = Plugins(path=[str(folder)])
    for _ in range(2):  # the second time finds it imported, and must still refuse it
        with pytest.raises(PluginLoadError, match="no hook 'mmx_component'"):
            plugins.find("fusion", "bad")
    assert plugins.find("fusion", "film").__name__ == "FilmParams"


def test_the_source_of_a_method_is_its_distribution_and_digest(install: Install, film: str) -> None:
    folder = install("mmx-film", {"fusion.film": "film_a"}, {"film_a.py": film})
    source = Plugins(path=[str(folder)]).source("fusion", "film")
    assert "film_a.py" in source.code.files
    assert (source.key, source.package, source.version) == ("fusion.film", "mmx-film", "1.0")
    assert "film_a" not in sys.modules
