"""A fresh environment with the wheel of mmx, which knows nothing of this checkout.

Heavy libraries are borrowed: one .pth file names the site-packages of the running interpreter. The
.pth files in there, such as that of an editable install of mmx, are not read a second time.
"""

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
from warm_processes import WarmProcess, WarmPython

REPOSITORY = Path(__file__).parents[2]
OFFLINE = {
    "PIP_NO_INDEX": "1",
    "PIP_NO_DEPS": "1",
    "PIP_NO_BUILD_ISOLATION": "0",  # pip reads the value, not the name: 0 is no isolation
    "PIP_REQUIRE_VIRTUALENV": "1",  # never into anything but the environment of a test
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
}


@dataclass(frozen=True)
class Fresh:
    """An environment in a folder of its own."""

    folder: Path
    warm_pythons: Callable[..., WarmPython]

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "env" / "bin" / "python"

    @property
    def packages(self) -> Path:
        """Its site-packages."""
        (found,) = (self.folder / "env" / "lib").glob("python*/site-packages")
        return found

    def environment(self) -> dict[str, str]:
        """Variables for its commands: nothing of ours, no network, no cache that was there."""
        return {
            **OFFLINE,
            "PATH": f"{self.python.parent}:/usr/bin:/bin",
            "HOME": str(self.folder),
            "MMX_CACHE": str(self.folder / "cache"),
            "MMX_RUNS": str(self.folder / "runs"),
        }

    def run(self, *words: str | Path, cwd: Path | None = None) -> str:
        """Run a command; what it prints. Fails the test when the command fails."""
        done = subprocess.run(
            [str(word) for word in words],
            capture_output=True, text=True, cwd=cwd or self.folder, env=self.environment(),
        )  # fmt: skip
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    @cached_property
    def warm(self) -> WarmPython:
        """Its interpreter, with what it borrows loaded."""
        return self.warm_pythons(self.python, self.environment())

    def start(
        self, *words: str | Path, runs: Path | None = None, forked_workers: bool = False
    ) -> WarmProcess:
        """Begin a command of mmx; the pages of a first run and of a study are made whole."""
        environment = self.environment() | ({"MMX_RUNS": str(runs)} if runs else {})
        whole = words[0] in ("run", "study") and runs is None and "--fresh" not in words
        return self.warm.start(
            *words, environment=environment, folder=self.folder, short_pages=not whole,
            forked_workers=forked_workers,
        )  # fmt: skip

    def mmx(self, *words: str | Path, forked_workers: bool = False) -> str:
        """A command of mmx; what it prints. Fails the test when the command fails.

        The workers of a study start cold, as for users, unless ``forked_workers`` is true.
        """
        process = self.start(*words, forked_workers=forked_workers)
        out, err = process.communicate()
        assert process.returncode == 0, f"{words}\n{out}\n{err}"
        return out

    def borrow(self) -> None:
        """Let it see the libraries of this interpreter; after that, pip would see its mmx too."""
        theirs = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
        (self.packages / "borrowed.pth").write_text("\n".join(theirs) + "\n")
        pip = self.python.parent / "pip"
        pip.write_text(f'#!/bin/sh\nexec {self.python} -m pip "$@"\n')
        pip.chmod(0o755)


def wheels(sources: Sequence[Path], folder: Path) -> list[Path]:
    """Build a wheel of each source folder, with the hatchling of this interpreter."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "-w", folder, *sources]
    subprocess.run(command, check=True, env={**os.environ, **OFFLINE}, cwd=folder.parent)
    return sorted(folder.glob("*.whl"))


@pytest.fixture(scope="session")
def fresh(
    tmp_path_factory: pytest.TempPathFactory, warm_pythons: Callable[..., WarmPython]
) -> Fresh:
    """An environment with mmx, the example package and three generated ones, all from wheels."""
    pytest.importorskip("hatchling", reason="it builds the wheels without a download")
    new = Fresh(tmp_path_factory.mktemp("fresh"), warm_pythons)
    venv.create(new.folder / "env", with_pip=False, symlinks=True)
    sources = [REPOSITORY, REPOSITORY / "examples" / "plugin"]
    sources += [Path(__file__).parent / name for name in ("ecg", "regression")]
    for kind in ("fusion", "head", "loss"):
        words = ["plugins", "new", kind, f"my_{kind}", "--dir", str(new.folder)]
        subprocess.run(
            [sys.executable, "-m", "mmx_cli", *words], check=True, stdout=subprocess.DEVNULL
        )
        sources.append(new.folder / f"mmx-my-{kind}")
    built = wheels(sources, new.folder / "wheels")
    pip = [sys.executable, "-m", "pip", "--python", str(new.python), "install", "--quiet"]
    subprocess.run([*pip, *map(str, built)], check=True, env={**os.environ, **OFFLINE})
    new.borrow()
    return new
