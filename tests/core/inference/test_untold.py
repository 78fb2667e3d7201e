"""An explanation that fails is a note: the result that it is about stands."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import mmx
from mmx.inference.attempts import Attempts
from mmx_cli.main import app

PLUGIN = Path(__file__).parents[2] / "tiny" / "fragile.py"


@pytest.fixture
def run(tiny_spec: Path, tiny_plugin: Path) -> mmx.Run:
    changed = [
        "model.image=touchy", "model.text=strict", "model.fusion=fragile", "train.epochs=1",
    ]  # fmt: skip
    return mmx.run(mmx.load_spec(tiny_spec, overrides=changed, plugins=[tiny_plugin, PLUGIN]))


def test_the_run_is_finished_and_says_what_it_cannot_tell(run: mmx.Run) -> None:
    page = (run.path / "report.html").read_text(encoding="utf-8")
    for words in (
        "words cannot be told: the text encoder Strict cannot tokenise",
        "heat cannot be told: ZeroDivisionError: no heat here",
        "shares cannot be told: IndexError: nothing to look at",
        "What is left when a modality is missing cannot be told: IndexError",
        "Gate cannot be told: the first axis of what explains must be the samples",
    ):
        assert words in page, words


def test_predict_explains_what_it_can_and_says_the_rest(
    run: mmx.Run, write_image: Callable[..., Path], tiny_plugin: Path
) -> None:
    image = write_image("a.png", width=32, height=32)
    page = run.path.parent / "why.html"
    asked = ["predict", str(run.path), "--image", str(image), "--text", "No complaint."]
    asked += ["--plugin", str(tiny_plugin), "--plugin", str(PLUGIN)]
    result = CliRunner().invoke(app, [*asked, "--explain", str(page)])
    assert result.exit_code == 0, result.output
    for words in ("words cannot be told", "heat cannot be told", "shares cannot be told"):
        assert words in result.output
        assert words in page.read_text(encoding="utf-8")


def test_a_note_is_one_line_kept_once() -> None:
    attempts = Attempts()
    for _ in range(2):
        assert attempts.get("heat", lambda: int("x\ny"), 3) == 3
    attempts.get("words", lambda: (_ for _ in ()).throw(mmx.DataError("plain words")), None)
    assert attempts.notes == [
        "heat cannot be told: ValueError: invalid literal for int() with base 10: 'x\\ny'",
        "words cannot be told: plain words",
    ]


def test_stopping_by_hand_is_no_failure_of_an_explanation() -> None:
    def stopped() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Attempts().get("heat", stopped, None)
