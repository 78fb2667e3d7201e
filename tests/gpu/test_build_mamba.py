"""mamba-ssm's kernels are built beside the steps; a pretended builder stands in torch's place."""

import sys
import tarfile
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import check
import pytest
from check import Given, building
from step_state_space import LACKING, built

TORCH = """
class cuda:
    get_device_capability = staticmethod(lambda: (9, 0))
"""
WELL = """
    assert os.environ["TORCH_CUDA_ARCH_LIST"] == "9.0"  # no other card's code
    assert int(os.environ["MAX_JOBS"]) == os.cpu_count()
    assert [Path(one).name for one in sources] == ["scan.cpp", "scan.cu"]
    (Path(build_directory) / "selective_scan_cuda.so").touch()
"""
BROKEN = '    raise RuntimeError("Error building extension\\nnvcc: fatal error: a long story")\n'
SLOW = """
    subprocess.run(["sh", "-c", f"echo $$ > {build_directory}/compiler; exec sleep 600"])
"""
Build = Callable[..., Given]


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Build:
    """A folder with sources and a torch whose builder does what the body of a function says."""

    def prepare(body: str, seconds: int = 60) -> Given:
        torch = tmp_path / "site" / "torch"
        (torch / "utils").mkdir(parents=True)
        (torch / "__init__.py").write_text(TORCH)
        (torch / "utils" / "__init__.py").touch()
        (torch / "utils" / "cpp_extension.py").write_text(
            "import os, subprocess\nfrom pathlib import Path\n"
            f"def load(name, sources, build_directory, **flags):\n{body}"
        )
        monkeypatch.setenv("PYTHONPATH", str(torch.parent))
        monkeypatch.setattr(check, "BUILDING", seconds)
        carried = tmp_path / "carried"
        carried.mkdir()
        packed(carried / "mamba_ssm-1.0.tar.gz")
        return Given("cuda", True, tmp_path / "work" / "state_space", carried)

    return prepare


def packed(file: Path) -> None:
    """Sources laid out as the package's are."""
    names = ("mamba_ssm/__init__.py", *(f"csrc/selective_scan/scan.{end}" for end in ("cpp", "cu")))
    with tarfile.open(file, "w:gz") as sdist:
        for name in names:
            sdist.addfile(tarfile.TarInfo(f"mamba_ssm-1.0/{name}"), BytesIO())


def outcome(given: Given) -> str:
    """What the step says of a build that goes on beside it."""
    work = given.folder.parent
    work.mkdir()
    with building(Given("cuda", True, work, given.carried)):
        return built(given, 20)


def test_a_build_that_succeeds_is_found_on_the_path(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.path", ["elsewhere"])
    given = build(WELL)
    assert outcome(given).startswith("built in ")
    folder = given.folder.parent / "mamba"
    assert sys.path == [str(folder), "elsewhere"]
    assert (folder / "mamba_ssm" / "__init__.py").exists()
    assert (folder / "selective_scan_cuda.so").exists()


def test_a_build_that_fails_says_why(build: Build, capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(build(BROKEN)) == "do not build: RuntimeError: Error building extension"
    assert "a long story" in capsys.readouterr().out  # goes into logs.txt


def test_a_build_that_takes_too_long_is_given_up_with_its_compilers(build: Build) -> None:
    given = build(SLOW, seconds=1)
    assert outcome(given) == "do not build: TimeoutError: 1 s were not enough"
    compiler = int((given.folder.parent / "mamba" / "compiler").read_text())
    end = time.monotonic() + 5
    while running(compiler):
        assert time.monotonic() < end
        time.sleep(0.02)


def running(process: int) -> bool:
    """Whether it is there and no zombie."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def test_a_build_that_is_not_done_is_not_waited_for(build: Build) -> None:
    given = build(SLOW)
    given.folder.parent.mkdir()
    (given.folder.parent / "mamba").mkdir()
    assert built(given, 0) == "are not built yet"


def test_without_sources_nothing_is_built(tmp_path: Path) -> None:
    given = Given("cuda", True, tmp_path / "state_space", tmp_path)
    with building(Given("cuda", True, tmp_path, tmp_path)):
        assert built(given, 0) == LACKING
