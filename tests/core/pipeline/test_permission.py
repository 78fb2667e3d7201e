"""A run folder is data: no file is imported because a run names it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import mmx
from mmx.runs import RunFolder

Load = Callable[..., mmx.Spec]
CASE = mmx.Case("one", text="it itches")
TEXT = ["image"]  # what the case lacks


@pytest.fixture
def theirs(load: Load, home: Path, tiny_plugin: Path) -> Path:
    """A run of a stranger, whose record names a file of the stranger."""
    run = mmx.run(load("train.epochs=1")).path
    code = tiny_plugin.read_text() + f"\nopen({str(home / 'executed')!r}, 'w').close()\n"
    (run / "helper.py").write_text(code)
    return run


def name_plugins(run: Path, *files: object) -> None:
    record = json.loads((run / "environment.json").read_text())
    (run / "environment.json").write_text(json.dumps({**record, "plugins": files}))
    RunFolder(run).finish()  # as if its writer had written so


@pytest.mark.parametrize("relative", [True, False])
def test_no_use_of_a_run_imports_what_it_names(
    theirs: Path, home: Path, relative: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    file = theirs / "helper.py"
    name_plugins(theirs, str(file.relative_to(home) if relative else file))
    for use in (
        lambda: mmx.predict(theirs, CASE, without=TEXT),
        lambda: mmx.evaluate_run(theirs, theirs / "resolved.yaml"),
        lambda: mmx.reproduce(theirs),
    ):
        with pytest.raises(mmx.RunError, match=r"no file is imported because .*helper\.py"):
            use()
    assert not (home / "executed").exists()


def test_a_run_that_names_nothing_imports_nothing(theirs: Path, home: Path) -> None:
    name_plugins(theirs)
    with pytest.raises(mmx.MmxError, match="tiny_image"):
        mmx.predict(theirs, CASE, without=TEXT)
    assert not (home / "executed").exists()


def test_a_named_file_is_held_against_the_record_before_it_is_imported(
    home: Path, tiny_spec: Path, tiny_plugin: Path
) -> None:
    mine = Path(shutil.copy(tiny_plugin, home / "mine.py"))
    run = mmx.run(mmx.load_spec(tiny_spec, overrides=["train.epochs=1"], plugins=[mine])).path
    mine.write_text(mine.read_text() + "\n# a word more\n")
    answer = mmx.predict(run, CASE, without=TEXT, plugins=[mine])
    (home / "elsewhere").mkdir()
    moved = Path(shutil.copy(mine, home / "elsewhere" / "mine.py"))
    assert mmx.predict(run, CASE, without=TEXT, plugins=[moved]).equals(answer)
    mark = home / "executed"
    mine.write_text(mine.read_text() + f"\nopen({str(mark)!r}, 'w').close()\n")
    with pytest.raises(mmx.RunError, match=r"'mine\.py' computes something else than when"):
        mmx.predict(run, CASE, without=TEXT, plugins=[mine])
    assert not mark.exists()


def test_words_of_a_record_are_cut(theirs: Path) -> None:
    name_plugins(theirs, "x" * 100_000 + ".py")
    with pytest.raises(mmx.RunError) as caught:
        mmx.predict(theirs, CASE, without=TEXT)
    assert len(str(caught.value)) < 1000
