"""mmx evaluate: the metrics of a run on other data."""

from math import isnan
from pathlib import Path
from typing import Annotated

import typer

import mmx
from mmx_cli.plain_words import plain_words
from mmx_cli.table import lines


def evaluate(
    run: Annotated[Path, typer.Argument(help="Directory of a finished run.")],
    data: Annotated[Path, typer.Option("--data", help="A spec, or a table like the run's own.")],
) -> None:
    """Score a finished run on other data, with intervals over groups."""
    from mmx_cli.progress import Bars, Console  # rich, which no other command should wait for

    console = Console(stderr=True)
    with plain_words(), Bars(console) as bars:
        found = mmx.evaluate_run(run, data, observer=bars)
    for warning in found.warnings:
        console.print(f"note: {warning}", markup=False, highlight=False)
    evaluation = found.evaluation
    rows = [
        (name.replace("_", " "), _shown(one.value), one.ends() or "none")
        for name, one in evaluation.metrics.items()
    ]
    worth = f"worth {evaluation.effective:,.0f} independent samples"
    typer.echo(f"{evaluation.samples} samples of {evaluation.groups} groups, {worth}")
    for line in lines(("metric", "value", "95 % interval"), rows, {}):
        typer.echo(line)
    for note in evaluation.notes:
        typer.echo(f"note: {note}")
    typer.echo(f"written to {found.folder}")


def _shown(value: float) -> str:
    """Three digits; a dash for a score that these samples do not define."""
    return "–" if isnan(value) else f"{value:.3f}"
