"""Explanations of single cases, for `mmx predict --explain`."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

import mmx
from mmx.inference.explaining import PIECES, _readable, pieces_of, without
from mmx_cli.main import app


@pytest.fixture
def run(load: Callable[..., mmx.Spec]) -> mmx.Run:
    return mmx.run(load("model.fusion=gated", "train.epochs=2"))


def test_shares_and_the_prior_make_up_the_probability(
    run: mmx.Run, write_image: Callable[..., Path], tiny_plugin: Path
) -> None:
    case = mmx.Case("one", [write_image("a.png", width=32, height=32)], "round and <b>dark</b>")
    answers = mmx.ask(run.path, case, explain=True, plugins=[tiny_plugin])
    why = answers.explanations[0]
    name, probability = next(iter(answers.probabilities(0).items()))
    assert sum(why.shares.values()) == pytest.approx(probability, abs=1e-5)
    assert [word for word, _ in why.words["text"]] == ["round", "and", "<b>dark</b>"]
    assert [*why.images] == ["image"]
    assert why.weights
    less = mmx.ask(run.path, mmx.Case("less", case.images, "round and"), plugins=[tiny_plugin])
    fall = probability - less.probabilities(0)[name]
    assert dict(why.words["text"])["<b>dark</b>"] == pytest.approx(fall, abs=1e-5)


def test_the_command_writes_a_page_with_escaped_words(
    run: mmx.Run, write_image: Callable[..., Path], tmp_path: Path, tiny_plugin: Path
) -> None:
    page = tmp_path / "why.html"
    image = write_image("a.png", width=32, height=32)
    asked = [
        "predict",
        str(run.path),
        "--image",
        str(image),
        "--text",
        "a <script>",
        "--plugin",
        str(tiny_plugin),
        "--explain",
    ]
    result = CliRunner().invoke(app, [*asked, str(page)])
    assert result.exit_code == 0, result.output
    assert "points of the probability" in result.output
    text = page.read_text(encoding="utf-8")
    assert "&lt;script&gt;" in text
    assert "<script" not in text


def test_a_case_without_an_image_is_explained_by_its_words(run: mmx.Run, tiny_plugin: Path) -> None:
    case = mmx.Case("one", text="round")
    why = mmx.ask(
        run.path, case, without=["image"], explain=True, plugins=[tiny_plugin]
    ).explanations[0]
    assert why.images == {}
    assert len(why.words["text"]) == 1


def test_long_texts_fall_into_a_bounded_number_of_pieces() -> None:
    text = " ".join(map(str, range(1000)))
    pieces = pieces_of(text)
    assert len(pieces) <= PIECES
    assert " ".join(pieces) == text
    assert without(["a", "b", "c"], 1) == "a c"
    assert pieces_of("  ") == []


def test_numbers_with_names_are_told_with_them_the_largest_first() -> None:
    columns = {"columns": ("age", "sex", "size")}
    given = {"columns": torch.tensor([0.1, 0.2, 0.3]), "gate": torch.tensor([0.5, 0.25])}
    told = _readable(given, columns)
    assert {name: list(values) for name, values in told.items()} == {
        "columns (size, sex, age)": pytest.approx([0.3, 0.2, 0.1]),
        "gate": [0.5, 0.25],
    }
