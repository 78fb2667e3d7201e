"""`mmx plugins` and the start of the command line, in processes of their own."""

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mmx_cli.main import app

HEAVY = ["torch", "transformers", "timm", "numpy", "pandas", "sklearn", "matplotlib"]
FILM = '''"""Feature-wise modulation of one modality by the other."""
from typing import Literal
from mmx import FusionParams, hookimpl

class FilmParams(FusionParams):
    type: Literal["my_film"] = "my_film"
    def build(self, shapes): ...

@hookimpl
def mmx_components():
    return [FilmParams]
'''
DIARY = '''"""Keeps a diary."""
from mmx import hookimpl

@hookimpl
def mmx_run_finished(run_path): ...
'''


def mmx(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    command = [sys.executable, "-m", "mmx_cli", *map(str, words)]
    return subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **environment}
    )


@pytest.mark.parametrize(
    "words", [["--help"], ["plugins", "list"], ["plugins", "list", "--json"], ["--version"]]
)
def test_starting_leaves_heavy_libraries_out(words: list[str]) -> None:
    code = (
        "import sys, atexit\n"
        f"loaded = lambda: print([n for n in {HEAVY} if n in sys.modules], file=sys.stderr)\n"
        "atexit.register(loaded)\n"
        "from mmx_cli.main import app\n"
        f"app({words}, prog_name='mmx')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "[]\n")
    assert done.stdout


def test_list_shows_one_line_per_method_when_piped() -> None:
    done = mmx("plugins", "list", "--kind", "fusion")
    first, *others = done.stdout.splitlines()
    assert first.split() == ["kind", "type", "distribution", "version", "api", "status", "summary"]
    assert all(line.startswith("fusion  ") for line in others)
    assert "concat" in {line.split()[1] for line in others}


def test_list_as_json_gives_every_field() -> None:
    methods = json.loads(mmx("plugins", "list", "--json").stdout)
    (concat,) = [method for method in methods if method["key"] == "fusion.concat"]
    assert (concat["package"], concat["status"]) == ("mmx", "found")
    assert {"dataset", "fusion", "task"} < {method["kind"] for method in methods}


def test_list_shows_a_local_file_with_its_digest(tmp_path: Path) -> None:
    file = tmp_path / "diary.py"
    file.write_text(DIARY)
    _, line = mmx("plugins", "list", "--kind", "hook", "--plugin", file).stdout.splitlines()
    words = line.split()
    assert re.fullmatch("sha256:[0-9a-f]{12}", words.pop(3))
    assert words == ["hook", "diary", "local", "1", "found", "Keeps", "a", "diary."]


def test_list_shows_why_a_method_is_blocked() -> None:
    lines = mmx("plugins", "list", MMX_BLOCK_PLUGINS="fusion.concat").stdout.splitlines()
    (line,) = [line for line in lines if " concat " in line]
    assert "blocked by MMX_BLOCK_PLUGINS=fusion.concat" in line


def test_show_tells_the_parameters_and_the_source() -> None:
    done = CliRunner().invoke(app, ["plugins", "show", "fusion.concat"])
    assert done.exit_code == 0
    assert "dim: int, > 0 (default 256)\n    width of the result, channels" in done.output
    assert "Source: " in done.output
    assert CliRunner().invoke(app, ["plugins", "show", "concat"]).output == done.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["list", "--kind", "fuson"], "there is no kind 'fuson'; nearest: fusion"),
        (["show", "concta"], "no method 'concta' is installed; nearest: concat"),
        (["show", "fusion.concta"], "no fusion 'concta' is installed; nearest: concat"),
        (["list", "--plugin", "gone.py"], "does not exist"),
    ],
)
def test_a_users_mistake_ends_with_plain_words_and_status_2(words: list[str], said: str) -> None:
    done = mmx("plugins", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_our_own_bug_shows_its_traceback() -> None:
    code = (
        "import mmx\n"
        "from mmx_cli.main import app\n"
        "def broken(files): raise ValueError('ours')\n"
        "mmx.Plugins = broken\n"
        "app(['plugins', 'list'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback (most recent call last)")
    assert done.stderr.rstrip().endswith("ValueError: ours")


def test_a_wheel_that_pip_installs_brings_its_method(tmp_path: Path) -> None:
    wheel, target = tmp_path / "mmx_film-1.0-py3-none-any.whl", tmp_path / "target"
    info = "mmx_film-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("mmx_film.py", FILM)
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: mmx-film\nVersion: 1.0\n"
        )
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        archive.writestr(f"{info}/entry_points.txt", "[mmx]\nfusion.my_film = mmx_film\n")
        names = [*archive.namelist(), f"{info}/RECORD"]
        archive.writestr(f"{info}/RECORD", "".join(f"{name},,\n" for name in names))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", target, wheel], check=True)
    done = mmx("plugins", "show", "mmx-film/my_film", PYTHONPATH=str(target))
    assert done.stdout.startswith("fusion.my_film  (mmx-film 1.0, mmx_film)"), done.stderr
