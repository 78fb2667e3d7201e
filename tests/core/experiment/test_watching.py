"""Who only watches a run cannot stop it; and what a spec does not name takes no part in its run."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import mmx

Load = Callable[..., mmx.Spec]
MOMENTS = {
    "mmx_run_started": "run_path, spec",
    "mmx_epoch_ended": "run_path, epoch, values",
    "mmx_report_sections": "run_path, metrics",
    "mmx_run_finished": "run_path, metrics",
}


class Listener:
    """Keeps the words of a run."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def progress(self, progress: mmx.Progress) -> None:
        """Nothing."""

    def message(self, text: str) -> None:
        """Keep them."""
        self.messages.append(text)


def tracker(home: Path, name: str, body: str, moments: tuple[str, ...] = tuple(MOMENTS)) -> Path:
    """A plugin file whose hooks do the same."""
    hooks = [f"@mmx.hookimpl\ndef {one}({MOMENTS[one]}):\n    {body}\n" for one in moments]
    file = home / f"{name}.py"
    file.write_text(
        '"""A tracker."""\nfrom pathlib import Path\n\nimport mmx\n\n\n' + "\n\n".join(hooks)
    )
    return file


@pytest.fixture
def watched(home: Path, tiny_spec: Path, tiny_plugin: Path) -> Callable[..., mmx.Spec]:
    """Load the tiny spec with plugin files, each listed as a hook."""

    def load(*files: Path, hooks: str = "") -> mmx.Spec:
        hooks = hooks or f"hooks=[{', '.join(file.stem for file in files)}]"
        words = ["train.epochs=2", hooks]
        return mmx.load_spec(tiny_spec, overrides=words, plugins=[tiny_plugin, *files])

    return load


@pytest.mark.parametrize("raised", ["ConnectionError('no server')", "SystemExit(3)"])
def test_a_run_survives_every_failure_of_a_watcher_and_names_it_once(
    home: Path, watched: Callable[..., mmx.Spec], raised: str
) -> None:
    listener = Listener()
    file = tracker(home, "down", f"raise {raised}")
    run = mmx.run(watched(file), observer=listener)
    assert (run.path / "finished.json").is_file()
    told = [line for line in listener.messages if "down" in line]
    assert len(told) == len(MOMENTS)  # two epochs are told once
    for moment in MOMENTS:
        (line,) = [one for one in told if moment in one]
        assert str(file) in line
        assert raised.partition("(")[0] in line
    page = run.report.read_text(encoding="utf-8")
    assert "down: its hook mmx_epoch_ended failed" in page


def test_what_a_watcher_is_given_is_its_own(home: Path, watched: Callable[..., mmx.Spec]) -> None:
    moments = ("mmx_report_sections", "mmx_run_finished")
    file = tracker(home, "vandal", "metrics.clear(); return [('A', 'b'), 'no pair']", moments)
    listener = Listener()
    run = mmx.run(watched(file), observer=listener)
    assert "test" in run.metrics
    assert any("'no pair', which is no pair of title" in line for line in listener.messages)


def test_the_end_is_told_when_the_run_is_whole(
    home: Path, watched: Callable[..., mmx.Spec]
) -> None:
    body = f"Path({str(home / 'seen')!r}).write_text(str((run_path / 'finished.json').is_file()))"
    mmx.run(watched(tracker(home, "late", body, ("mmx_run_finished",))))
    assert (home / "seen").read_text() == "True"


def test_a_required_hook_ends_the_run(home: Path, watched: Callable[..., mmx.Spec]) -> None:
    file = tracker(home, "needed", "raise ConnectionError('no server')", ("mmx_run_started",))
    spec = watched(file, hooks="hooks=[{type: needed, required: true}]")
    with pytest.raises(mmx.PluginError, match=r"needed, which the spec requires, failed: .*needed"):
        mmx.run(spec)


def test_the_user_may_always_stop(home: Path, watched: Callable[..., mmx.Spec]) -> None:
    file = tracker(home, "stop", "raise KeyboardInterrupt", ("mmx_epoch_ended",))
    with pytest.raises(KeyboardInterrupt):
        mmx.run(watched(file))


def test_no_spec_meets_the_plugins_of_another(
    home: Path, watched: Callable[..., mmx.Spec], tiny_spec: Path, load: Load
) -> None:
    seen = f"Path({str(home / 'called')!r})"
    loud = tracker(home, "loud", f"{seen}.write_text({seen}.read_text() + 'x'); return []")
    (home / "called").write_text("")
    first, quiet = watched(loud), load("train.epochs=1")
    with ThreadPoolExecutor(2) as pool:
        one, two = (pool.submit(mmx.run, spec) for spec in (first, quiet))
        one.result(), two.result()
    calls = len((home / "called").read_text())
    assert calls == 5  # started, two epochs, sections, finished
    mmx.run(load("train.epochs=1", "seed=1"))
    assert len((home / "called").read_text()) == calls
    with pytest.raises(mmx.SpecError, match="tiny_image"):  # of a file that only others named
        mmx.load_spec(tiny_spec)
