"""Who only watches a run cannot stop it; each run has hooks of its own, and hears how it ends."""

import json
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from warm_processes import WarmPython

import mmx
from mmx import commands
from mmx.interfaces import MOMENTS

Load = Callable[..., mmx.Spec]
Watched = Callable[..., mmx.Spec]

GIVEN = {
    "audit_checks": "",
    "started": "folder, spec",
    "epoch_ended": "folder, epoch, values",
    "report_sections": "folder, metrics",
    "finished": "folder, metrics",
    "failed": "folder, error",
    "stopped": "folder",
}
HEAD = '''"""A tracker."""
import json
from pathlib import Path
from typing import Literal

import mmx


class Params(mmx.HookParams):
    """Settings."""

    type: Literal["{name}"] = "{name}"
    diary: Path = Path("diary")
    level: int = 0

    def build(self):
        return Tracker(self)


class Tracker(mmx.Hook):
    def __init__(self, params):
        self._params, self._heard = params, 0

    def _write(self, moment, **facts):
        self._heard += 1
        line = json.dumps(dict(moment=moment, heard=self._heard, level=self._params.level, **facts))
        with self._params.diary.open("a") as stream:
            stream.write(line + "\\n")

'''
END = "\n\n@mmx.hookimpl\ndef mmx_components():\n    return [Params]\n"
ON_DISK = "self._write({moment!r}, files=sorted(one.name for one in folder.iterdir()))"


class Listener:
    """Keeps the words of a run."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def progress(self, progress: commands.Progress) -> None:
        """Nothing."""

    def message(self, text: str) -> None:
        """Keep them."""
        self.messages.append(text)


def tracker(home: Path, name: str, bodies: dict[str, str], more: str = "") -> Path:
    """A plugin file with a hook whose methods do what is given; ``more`` stands in its class."""
    methods = [
        f"    def {moment}(self{', ' if GIVEN[moment] else ''}{GIVEN[moment]}):\n        {body}\n"
        for moment, body in bodies.items()
    ]
    file = home / f"{name}.py"
    file.write_text(HEAD.replace("{name}", name) + "\n".join(methods) + more + END)
    return file


def diary(home: Path, name: str = "diary") -> list[dict[str, object]]:
    """What a tracker wrote down."""
    return [json.loads(line) for line in (home / name).read_text().splitlines()]


@pytest.fixture
def watched(home: Path, tiny_spec: Path, tiny_plugin: Path) -> Watched:
    """Load the tiny spec with plugin files; each is a hook, with these settings."""

    def load(*files: Path, level: int = 0, required: bool = False, also: str = "") -> mmx.Spec:
        settings = f"diary: {home / 'diary'}, level: {level}, required: {required}".lower()
        settings = settings.replace(str(home).lower(), str(home))
        hooks = ", ".join(f"{{type: {file.stem}, {settings}}}" for file in files)
        words = ["train.epochs=2", f"hooks=[{hooks}]", *filter(None, [also])]
        return mmx.load_spec(tiny_spec, overrides=words, plugins=[tiny_plugin, *files])

    return load


def test_a_run_tells_its_moments_in_order_with_what_stands_on_disk(
    home: Path, watched: Watched
) -> None:
    bodies = {moment: ON_DISK.format(moment=moment) for moment in MOMENTS[1:]}
    file = tracker(home, "all", {"audit_checks": "self._write('audit_checks'); return []"} | bodies)
    mmx.run(watched(file, level=3))
    told = diary(home)
    assert [one["moment"] for one in told] == [
        "audit_checks", "started", "epoch_ended", "epoch_ended", "report_sections", "finished",
    ]  # fmt: skip
    assert [one["heard"] for one in told] == [1, 2, 3, 4, 5, 6]  # one instance heard all
    assert {one["level"] for one in told} == {3}
    files = {str(one["moment"]): set(map(str, one.get("files") or [])) for one in told}  # type: ignore[call-overload]
    start = {"spec.yaml", "resolved.yaml", "environment.json", "audit.json", "split.csv"}
    assert start <= files["started"]
    results = {"model.safetensors", "predictions.parquet", "metrics.json"}
    assert not results & files["epoch_ended"]
    assert results <= files["report_sections"]
    assert not {"report.html", "finished.json"} & files["report_sections"]
    assert {"report.html", "finished.json"} <= files["finished"]
    mmx.run(watched(file, level=4))
    assert diary(home)[6]["heard"] == 1  # the next run has a hook of its own


@pytest.mark.parametrize("raised", ["ConnectionError('no server')", "SystemExit(3)"])
def test_a_run_survives_every_failure_of_a_hook_and_names_its_line_once(
    home: Path, watched: Watched, raised: str
) -> None:
    listener = Listener()
    moments = ("started", "epoch_ended", "report_sections", "finished")
    file = tracker(home, "down", dict.fromkeys(moments, f"raise {raised}"))
    lines = file.read_text().splitlines()
    run = mmx.run(watched(file), observer=listener)
    assert (run.path / "finished.json").is_file()
    told = [line for line in listener.messages if "down" in line]
    assert len(told) == len(moments)  # two epochs are told once
    for moment in moments:
        (line,) = [one for one in told if f"its method {moment} failed" in one]
        place = next(row for row, text in enumerate(lines, 1) if f"def {moment}(" in text) + 1
        assert f"{file}:{place}: {raised.partition('(')[0]}" in line
    page = run.report.read_text(encoding="utf-8")
    assert "down: its method epoch_ended failed" in page


def test_a_hook_that_cannot_be_built_is_named_and_left_out(home: Path, watched: Watched) -> None:
    file = tracker(home, "down", {"finished": "self._write('finished')"})
    file.write_text(file.read_text().replace("return Tracker(self)", "raise OSError('no server')"))
    listener = Listener()
    run = mmx.run(watched(file), observer=listener)
    assert any("down: its method build failed" in line for line in listener.messages)
    assert run.report.is_file()
    assert not (home / "diary").exists()
    with pytest.raises(mmx.PluginError, match=r"down, which the spec requires, failed: .*down.py"):
        mmx.run(watched(file, required=True))


def test_what_a_hook_is_given_is_its_own(home: Path, watched: Watched) -> None:
    vandal = "metrics.clear(); return [('A', 'b'), 'no pair']"
    file = tracker(home, "vandal", {"report_sections": vandal, "finished": vandal})
    listener = Listener()
    run = mmx.run(watched(file), observer=listener)
    assert "test" in run.metrics
    assert any("'no pair', which is no pair of title" in line for line in listener.messages)


def test_a_required_hook_ends_the_run_and_hears_that_it_failed(
    home: Path, watched: Watched
) -> None:
    bodies = {
        "started": "raise ConnectionError('no server')",
        "failed": "self._write('failed', error=str(error)); raise ValueError('hides nothing')",
    }
    spec = watched(tracker(home, "needed", bodies), required=True)
    with pytest.raises(mmx.PluginError, match=r"needed, which the spec requires, failed: .*needed"):
        mmx.run(spec)
    (told,) = diary(home)
    assert "no server" in str(told["error"])


def test_an_error_of_the_run_is_told_and_stays_the_error(
    home: Path, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise MemoryError("full")

    monkeypatch.setattr("mmx.experiment.stages.train", broken)
    body = "self._write('failed', error=repr(error), whole=(folder / 'finished.json').is_file())"
    with pytest.raises(MemoryError, match="full"):
        mmx.run(watched(tracker(home, "told", {"failed": body, "stopped": "self._write('no')"})))
    assert diary(home) == [
        {"moment": "failed", "heard": 1, "level": 0, "error": "MemoryError('full')", "whole": False}
    ]


def test_the_user_may_always_stop_and_hooks_hear_of_it(home: Path, watched: Watched) -> None:
    bodies = {"epoch_ended": "raise KeyboardInterrupt", "stopped": "self._write('stopped')"}
    with pytest.raises(KeyboardInterrupt):
        mmx.run(watched(tracker(home, "stop", bodies | {"failed": "self._write('no')"})))
    assert [one["moment"] for one in diary(home)] == ["stopped"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_in_training_stops_after_the_step(
    home: Path, watched: Watched, number: int
) -> None:
    body = f"import signal; signal.raise_signal({int(number)}); self._write('asked')"
    bodies = {"epoch_ended": body, "stopped": ON_DISK.format(moment="stopped")}
    with pytest.raises(KeyboardInterrupt):
        mmx.run(watched(tracker(home, "told", bodies)))
    asked, last = diary(home)
    assert (asked["moment"], last["moment"]) == ("asked", "stopped")
    assert "checkpoint" in str(last["files"])


@pytest.mark.slow
def test_a_signal_ends_the_process_of_a_run_in_order(
    home: Path, tiny_spec: Path, tiny_plugin: Path, processes: WarmPython
) -> None:
    bodies = {"epoch_ended": "self._write('epoch')", "stopped": ON_DISK.format(moment="stopped")}
    file = tracker(home, "told", bodies)
    hooks = f"hooks=[{{type: told, diary: {home / 'diary'}}}]"
    words = ["--plugin", tiny_plugin, "--plugin", file, "--set", "train.epochs=2000"]
    process = processes.start("run", tiny_spec, *words, "--set", hooks)
    deadline = time.monotonic() + 120
    while not (home / "diary").is_file():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) not in (0, -signal.SIGTERM)
    last = diary(home)[-1]
    assert last["moment"] == "stopped"
    assert "checkpoint" in str(last["files"])


def test_settings_of_a_hook_are_checked_at_their_place(
    home: Path, tiny_spec: Path, tiny_plugin: Path
) -> None:
    file = tracker(home, "all", {})
    tiny_spec.write_text(tiny_spec.read_text() + "hooks:\n  - {type: all, levle: 3}\n  - al\n")
    with pytest.raises(mmx.SpecError) as caught:
        mmx.load_spec(tiny_spec, plugins=[tiny_plugin, file])
    lines = tiny_spec.read_text().splitlines()
    first, second = caught.value.faults
    assert (first.line, first.column) == (len(lines) - 1, 17)
    assert "unknown key 'levle'; nearest: level" in first.message
    assert (second.line, second.column) == (len(lines), 5)
    assert "no hook 'al' is installed; nearest: all" in second.message


def test_the_same_hook_twice_is_a_fault(home: Path, watched: Watched) -> None:
    file = tracker(home, "all", {})
    with pytest.raises(mmx.SpecError, match=r"hooks\.1: it is named before"):
        watched(file, file)


def test_a_misspelt_method_is_refused(home: Path, watched: Watched) -> None:
    more = "    def epoch_end(self, folder, epoch, values):\n        pass\n"
    file = tracker(home, "slip", {}, more)
    with pytest.raises(mmx.PluginError, match="'epoch_end', which is never called; nearest: epoch"):
        mmx.run(watched(file))


def test_a_hook_of_a_file_that_nothing_names_takes_no_part_and_is_told(
    home: Path, watched: Watched, tiny_spec: Path, tiny_plugin: Path
) -> None:
    file = tracker(home, "loud", {"started": "raise SystemExit"})
    spec = mmx.load_spec(tiny_spec, overrides=["train.epochs=1"], plugins=[tiny_plugin, file])
    listener = Listener()
    mmx.run(spec, observer=listener)
    assert [line for line in listener.messages if "loud" in line] == [
        "note: hook.loud takes no part; to use it, write hooks: [loud]"
    ]


def test_specs_never_see_each_others_hooks_even_in_threads(
    home: Path, tiny_spec: Path, tiny_plugin: Path, load: Load
) -> None:
    moments = ("started", "epoch_ended", "report_sections", "finished")
    files = [
        tracker(home, name, dict.fromkeys(moments, f"self._write({name!r})"))
        for name in ("left", "right")
    ]
    together = Barrier(3)

    def one(name: str | None) -> None:
        hooks = f"hooks=[{{type: {name}, diary: {home / str(name)}-diary}}]"
        words = ["train.epochs=2", f"name={name or 'quiet'}", *([hooks] if name else [])]
        together.wait()  # the same files are read and imported at the same time
        mmx.run(mmx.load_spec(tiny_spec, overrides=words, plugins=[tiny_plugin, *files]))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(one, ["left", "right", None]))
    for name in ("left", "right"):
        told = diary(home, f"{name}-diary")
        assert [line["moment"] for line in told] == [name] * 5
        assert [line["heard"] for line in told] == [1, 2, 3, 4, 5]
    mmx.run(load("train.epochs=1", "seed=1"))
    assert len(diary(home, "left-diary")) == 5
    with pytest.raises(mmx.SpecError, match="tiny_image"):  # of a file that only others named
        mmx.load_spec(tiny_spec)
