"""The digest of a run covers every file of core that runs between its spec and its metrics."""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import FrameType

import mmx
from mmx.experiment.auditing import audit_code
from mmx.pipeline.identity import number_code

Load = Callable[..., mmx.Spec]
CORE = Path(mmx.__file__).parents[1]


@contextmanager
def ran() -> Iterator[set[str]]:
    """Files of core in which a function was called, by name."""
    found = set[str]()

    def note(frame: FrameType, event: str, argument: object) -> None:
        found.add(frame.f_code.co_filename)

    before = sys.getprofile()
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield found
    finally:
        sys.setprofile(before)
        threading.setprofile(None)  # type: ignore[arg-type]


def test_every_file_that_runs_is_covered_but_for_what_shows_numbers(load: Load) -> None:
    spec = load("inference=[{type: tta}, {type: temperature}]", "train.sampler=weighted")
    for room in iter_modules(mmx.__path__):
        import_module(f"mmx.{room.name}")  # what runs at import is not meant
    with ran() as files:
        run = mmx.run(spec)
    core = {Path(file) for file in files if file.startswith(str(CORE))}
    names = {file.relative_to(CORE).as_posix() for file in core}
    code = json.loads((run.path / "environment.json").read_text())["code"]
    covered = {name for one in code.values() for name in one}
    covered |= set(audit_code().files)  # whose verdicts have a key of their own
    drawing = {"mmx/experiment/pages.py"} | {
        f"mmx/inference/{name}.py" for name in ("asking_again", "explaining", "heat", "looked_at")
    }
    rest = {name for name in names - covered if not name.startswith("mmx/report/")}
    assert rest - drawing <= {"mmx/__init__.py"}, "the face of core imports on first use"
    assert "mmx/inference/prediction.py" in names & covered


def test_the_record_lists_every_file_with_its_digest(load: Load, tiny_plugin: Path) -> None:
    run = mmx.run(load())
    code = json.loads((run.path / "environment.json").read_text())["code"]
    assert code["core"] == number_code().files
    assert "encoders.py" in code["encoder.tiny_image"]
    assert "mmx_plugins/fusion/concat.py" in code["fusion.concat"]


def test_core_reaches_no_page_no_study_and_no_command() -> None:
    rooms = {name.split("/")[1] for name in number_code().files}
    assert {"data", "model", "training", "evaluation", "interfaces"} <= rooms
    assert rooms.isdisjoint({"report", "study", "testing"})
