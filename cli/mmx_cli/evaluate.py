"""mmx evaluate: the metrics of a run on other data."""

from math import isnan
from pathlib import Path
from typing import Annotated

import typer

import mmx
from mmx import commands
from mmx_cli.mappings import Columns, Join, Plugins, Root, Without, pairs
from mmx_cli.plain_words import PARTLY_DONE
from mmx_cli.terminal import begin, say, say_table
from mmx_cli.watched import watched

SHOWN = 20  # rows that are left out, in the terminal


Classes = Annotated[
    list[str],
    typer.Option(
        "--class",
        metavar="NEW=OLD",
        help="Label NEW of this data is what the run calls OLD; may be repeated.",
    ),
]
DropUnknown = Annotated[
    bool,
    typer.Option("--drop-unknown", help="Leave out rows of classes that the run never learned."),
]


# parameters: each is an option of the command line
def evaluate(
    run: Annotated[Path, typer.Argument(help="Directory of a finished run.")],
    data: Annotated[
        Path, typer.Option("--data", help="A spec, or a table with the run's columns.")
    ],
    join: Join = [],
    column: Columns = [],
    class_: Classes = [],
    drop_unknown: DropUnknown = False,
    root: Root = None,
    without: Without = [],
    plugins: Plugins = [],
) -> None:
    """Score a finished run on other data, with intervals over groups."""
    begin(f"opening {run}")
    with watched() as bars:
        found = mmx.evaluate_run(
            run,
            data,
            join=join,
            columns=pairs("--column", column),
            classes=pairs("--class", class_),
            drop_unknown=drop_unknown,
            root=root,
            without=without,
            plugins=plugins,
            observer=bars,
        )
    for warning in found.warnings:
        say(f"note: {warning}", err=True)
    _tell(found)
    say(f"written to {found.folder}")
    _left_out(found)


def _tell(found: "commands.EvaluationResult") -> None:
    """The metrics as a table, between how much they rest on and what is to know of them."""
    evaluation = found.evaluation
    worth = f"worth {evaluation.effective:,.0f} independent samples"
    say(f"{evaluation.samples} samples of {evaluation.groups} groups, {worth}")
    rows = [
        (name.replace("_", " "), _shown(one.value), one.ends() or "none")
        for name, one in evaluation.metrics.items()
    ]
    say_table(("metric", "value", "95 % interval"), rows, {})
    for note in evaluation.notes:
        say(f"note: {note}")


def _shown(value: float) -> str:
    """Three digits; a dash for a score that these samples do not define."""
    return "–" if isnan(value) else f"{value:.3f}"


def _left_out(found: "commands.EvaluationResult") -> None:
    """Say which rows could not be read, and end with a status of its own when there are some."""
    if not found.left_out:
        return
    say(f"{len(found.left_out)} rows could not be read and are in no score:", err=True)
    for one in found.left_out[:SHOWN]:
        say(f"  {one.row}: {one.reason}", err=True)
    if len(found.left_out) > SHOWN:
        say(f"  ... and {len(found.left_out) - SHOWN} more", err=True)
    raise typer.Exit(PARTLY_DONE)
