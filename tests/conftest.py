"""Fixtures for all tests: real data where it is, small data everywhere, no network."""

import gc
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings
from PIL import Image
from warm_processes import processes, warm_python, warm_pythons, warm_workers

import mmx
from mmx.plugins import version_of
from mmx.plugins.code import CORE
from mmx.plugins.discovery import Claim, read_claims
from mmx.plugins.source import Module, find_submodule

__all__ = ["processes", "warm_python", "warm_pythons", "warm_workers"]  # fixtures

settings.register_profile("ci", max_examples=100, deadline=None)
settings.register_profile("nightly", max_examples=2000, deadline=None)
settings.load_profile(os.environ.get("MMX_TEST_PROFILE") or "ci")
os.environ["HF_HUB_OFFLINE"] = "1"  # before transformers is imported anywhere
os.environ.setdefault("OMP_NUM_THREADS", "1")  # of what tests start; torch has counted cores here
torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
gc.set_threshold(10_000)  # as in a process of mmx; what is imported and collected stays


LONGEST = ("third_party", "gpu", "study")
"""Folders with tests of half a minute, which begin first: at the end one process would be idle."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The rest stays in order."""
    items.sort(key=lambda item: item.path.parent.name not in LONGEST)


def pytest_collection_finish() -> None:
    """Eight thousand tests and all that they import never become garbage: look at it no more."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with ham10000/ and spine/; the test is skipped where it is absent."""
    beside = Path(__file__).parents[1].parent / "shared" / "data"
    folder = Path(os.environ.get("MMX_DATA") or beside)
    if not (folder / "ham10000").is_dir():
        pytest.skip(f"no real images: {folder} is not there; set MMX_DATA to their folder")
    return folder


@pytest.fixture(scope="session", autouse=True)
def no_wait_for_the_disk() -> Iterator[None]:
    """``os.fsync`` waits 2 to 9 ms, thirty times a run, and only a power cut would tell.

    That whole files are synced is held by tests/core/files/test_writing.py; started processes wait.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def installed_methods_are_read_once() -> Iterator[None]:
    """What is installed does not change while the tests run, and each spec asks for it.

    It is read again where a test has put a folder on ``sys.path``, or names one itself.
    """
    known: dict[tuple[str, ...], list[Claim]] = {}

    def read_once(path: Sequence[str] | None) -> list[Claim]:
        if path is not None:
            return read_claims(path)
        place = tuple(sys.path)
        if place not in known:
            known[place] = read_claims(None)
        return list(known[place])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mmx.plugins.registry.read_claims", read_once)
        yield


@pytest.fixture(scope="session", autouse=True)
def modules_of_core_are_found_once() -> Iterator[None]:
    """Core and its libraries stay as they are, and each run looks at what both consist of."""
    of_core = cache(find_submodule)

    def found_once(name: str, package: Module) -> Module | None:
        find = of_core if name.partition(".")[0] == CORE else find_submodule
        return find(name, package)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mmx.plugins.code.find_submodule", found_once)
        patch.setattr("mmx.pipeline.identity.version_of", cache(version_of))
        yield


@pytest.fixture(autouse=True)
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are filled with curves and not rendered, and 2 mistakes are explained instead of 12.

    Both take most of a small run's time. Where pages are looked at, or made as users make them, a
    fixture of this name leaves them whole; so does what starts cold in a process of its own.
    """
    monkeypatch.setattr("mmx.report.svg.rendered", lambda figure: "<svg></svg>")
    monkeypatch.setattr("mmx.experiment.pages.MISTAKES", 2)


def draw(path: Path, width: int, height: int, seed: int) -> Path:
    """Write an image of noise."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def write_image(tmp_path: Path) -> Callable[..., Path]:
    """Write a random image: write_image("a.png", width=30, height=20, seed=0) -> its path."""

    def write(name: str, *, width: int = 30, height: int = 20, seed: int = 0) -> Path:
        return draw(tmp_path / name, width, height, seed)

    return write


@pytest.fixture(scope="session")
def write_cases_into() -> Callable[..., Path]:
    """Write images and cases.csv (photo, notes, finding, person, age, sex) into a folder."""

    def write(folder: Path, n: int = 12, classes: Sequence[str] = ("benign", "malignant")) -> Path:
        lines = ["photo,notes,finding,person,age,sex"]
        for row in range(n):
            draw(folder / f"images/{row:03d}.png", 30, 20, seed=row)
            sex = "male" if row % 2 else "female"
            label = classes[row % len(classes)]
            lines.append(f"images/{row:03d}.png,note {row},{label},person-{row},{30 + row},{sex}")
        table = folder / "cases.csv"
        table.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return table

    return write


@pytest.fixture
def write_cases(tmp_path: Path, write_cases_into: Callable[..., Path]) -> Callable[..., Path]:
    """The same into the folder ``cases`` of the test: write_cases(12) -> its path."""
    return partial(write_cases_into, tmp_path / "cases")


@pytest.fixture(scope="session")
def tiny_plugin() -> Path:
    """A plugin file with two encoders that cost nothing."""
    return Path(__file__).parent / "tiny" / "encoders.py"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty place for runs and caches."""
    monkeypatch.setenv("MMX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MMX_RUNS", str(tmp_path / "runs"))
    return tmp_path


@pytest.fixture
def tiny_spec(home: Path) -> Path:
    """A whole experiment of two seconds, as a file."""
    return Path(shutil.copy(Path(__file__).parent / "tiny" / "spec.yaml", home / "tiny.yaml"))


@pytest.fixture
def load(tiny_spec: Path, tiny_plugin: Path) -> Callable[..., mmx.Spec]:
    """Load that experiment with values changed: ``load("model.fusion=gated")``."""

    def loaded(*overrides: str) -> mmx.Spec:
        return mmx.load_spec(tiny_spec, overrides=overrides, plugins=[tiny_plugin])

    return loaded
