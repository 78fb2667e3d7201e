"""Small data have a stated behaviour: they train and say on what they rest, or are refused."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mmx_cli.main import app

ALL_HOOKS = "[prior_correction, temperature, selective, {type: conformal, per_class: true}]"
SPLIT = "{column: part, train: [train], validation: [val], test: [test]}"


@pytest.fixture
def run_table(home: Path, tiny_plugin: Path) -> Callable[..., Result]:
    """Run ``mmx run`` on texts that tell nothing, with these labels, groups and parts."""

    def run(
        labels: Sequence[str],
        groups: Sequence[str] | None = None,
        parts: Sequence[str] | None = None,
        hooks: str = "[]",
    ) -> Result:
        lines = ["text,dx,patient,part"]
        for row, label in enumerate(labels):
            group = groups[row] if groups else f"p{row}"
            part = parts[row] if parts else ""
            lines.append(f"a spot of {row * 7 % 13} days,{label},{group},{part}")
        (home / "cases.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        split = f"split: {SPLIT}" if parts else ""
        (home / "spec.yaml").write_text(
            "name: small\n"
            "data:\n"
            "  dataset: {type: table, path: cases.csv, text: text, label: dx, group: patient}\n"
            "  narrative: {type: column, column: text}\n"
            "  image: {height: 16, width: 16}\n"
            f"  {split}\n"
            "model: {image: tiny_image, text: tiny_text, fusion: text_only, projection: 4,\n"
            "        head: {type: mlp, hidden: 8}}\n"
            "train: {epochs: 1, batch_size: 8, threads: 1}\n"
            "audit: {waive: {text_tells_label: drawn}}\n"
            f"inference: {hooks}\n",
            encoding="utf-8",
        )
        asked = ["run", str(home / "spec.yaml"), "--plugin", str(tiny_plugin)]
        return CliRunner().invoke(app, asked)

    return run


def cycled(rows: int, classes: str) -> list[str]:
    return [classes[row % len(classes)] for row in range(rows)]


def metrics(home: Path) -> dict[str, dict[str, dict[str, float | None]]]:
    (file,) = (home / "runs").glob("*/metrics.json")
    found: dict[str, dict[str, dict[str, float | None]]] = json.loads(file.read_text())["test"]
    return found


@pytest.mark.parametrize(
    ("rows", "classes", "hooks"),
    [(48, "abcdefgh", "[]"), (30, "abcdef", ALL_HOOKS), (8, "ab", ALL_HOOKS)],
)
def test_few_rows_of_each_class_train_and_have_a_wide_interval(
    run_table: Callable[..., Result], home: Path, rows: int, classes: str, hooks: str
) -> None:
    done = run_table(cycled(rows, classes), hooks=hooks)
    assert done.exit_code == 0, done.output
    assert "95 % interval" in done.output
    value = metrics(home)["metrics"]["balanced_accuracy"]
    assert value["low"] is not None
    assert value["high"] is not None
    assert value["high"] - value["low"] > 0.25
    (page,) = (home / "runs").glob("*/report.html")
    assert "no interval of its own" in page.read_text(encoding="utf-8")


PARTS = ["train"] * 12 + ["val"] * 4 + ["test"] * 4
TRAINS = {
    "a test part of one class": (
        cycled(16, "ab") + ["a"] * 4, PARTS, "all samples are of one class",
    ),
    "one test row": (cycled(17, "ab"), PARTS[:17], "all samples are of one class"),
    "one validation row": (
        [*cycled(12, "ab"), "a", *cycled(4, "ab")],
        ["train"] * 12 + ["val"] + ["test"] * 4,
        "the validation part has no sample of b",
    ),
    "a class in the test part alone": (
        [*cycled(16, "ab"), "a", "b", "c", "c"], PARTS, "the train part has no sample of c",
    ),
    "a class without test rows": (
        [*cycled(16, "abc"), "a", "b", "a", "b"], PARTS, "No samples of c",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TRAINS)
def test_parts_without_some_class_train_and_say_so(
    run_table: Callable[..., Result], home: Path, name: str
) -> None:
    labels, parts, words = TRAINS[name]
    done = run_table(labels, parts=parts, hooks=ALL_HOOKS)
    assert done.exit_code == 0, done.output
    assert "nan" not in done.output
    (page,) = (home / "runs").glob("*/report.html")
    assert words in done.output + page.read_text(encoding="utf-8")


REFUSED = {
    "one row": (["a"], None, None, "the only class is 'a'"),
    "two rows": (["a", "b"], None, None, "2 groups cannot fill 3 parts"),
    "three rows": (["a", "b", "a"], None, None, "the data more cases"),
    "one class": (["a"] * 12, None, None, "the only class is 'a'"),
    "one group": (cycled(12, "ab"), ["p"] * 12, None, "1 group cannot fill 3 parts"),
    "two groups": (cycled(12, "ab"), ["p", "q"] * 6, None, "2 groups cannot fill 3 parts"),
    "a training part of one class": (
        ["a"] * 12 + cycled(8, "ab"), None, PARTS, "samples of one class only, 'a'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_trained_is_refused_with_the_reason(
    run_table: Callable[..., Result], home: Path, name: str
) -> None:
    labels, groups, parts, words = REFUSED[name]
    done = run_table(labels, groups, parts)
    assert done.exit_code == 2, done.output
    assert words in " ".join(done.output.split())
    assert not list((home / "runs").glob("*/metrics.json"))


def test_a_promise_from_few_groups_is_refused_before_training(
    run_table: Callable[..., Result],
) -> None:
    done = run_table(cycled(48, "ab"), hooks="[{type: selective, target: risk, level: 0.1}]")
    assert done.exit_code == 2, done.output
    assert "needs 50 groups" in " ".join(done.output.split())
