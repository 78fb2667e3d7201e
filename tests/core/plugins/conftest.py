"""Real distributions, installed into a temporary folder on sys.path."""

import base64
import hashlib
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

Install = Callable[..., Path]

FILM = '''
"""Feature-wise modulation of one modality by the other."""
from typing import Literal
from mmx import FusionParams, hookimpl

class FilmParams(FusionParams):
    """Settings of film."""
    type: Literal["film"] = "film"
    def build(self, shapes): ...

@hookimpl
def mmx_components():
    return [FilmParams]
'''


@pytest.fixture
def film() -> str:
    """Source of a working method, fusion.film."""
    return FILM


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A site-packages folder at the front of sys.path; what was imported from it is forgotten."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name.startswith("mmx_local_") or (file and str(tmp_path) in file):
            del sys.modules[name]


@pytest.fixture
def install(site: Path) -> Install:
    """Install a distribution as pip would: modules, METADATA, entry_points.txt and RECORD."""

    def _install(
        name: str,
        entry_points: Mapping[str, str],
        modules: Mapping[str, str],
        *,
        version: str = "1.0",
        folder: Path = site,
    ) -> Path:
        info = f"{name.replace('-', '_')}-{version}.dist-info"
        points = "".join(f"{key} = {module}\n" for key, module in entry_points.items())
        files = {
            **{file: dedent(text).lstrip() for file, text in modules.items()},
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/INSTALLER": "pip\n",
            f"{info}/entry_points.txt": f"[mmx]\n{points}",
        }
        record = ""
        for file, text in files.items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
            record += f"{file},sha256={digest.decode()},{len(text)}\n"
        (folder / info / "RECORD").write_text(f"{record}{info}/RECORD,,\n")
        return folder

    return _install
