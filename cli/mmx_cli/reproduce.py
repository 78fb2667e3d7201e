"""mmx reproduce: make a run again from its own files and compare."""

from pathlib import Path
from typing import Annotated

import typer

import mmx
from mmx_cli.terminal import begin, say
from mmx_cli.watched import watched

DIFFERENT = 1  # exit status


def reproduce(
    run: Annotated[Path, typer.Argument(help="Directory of a finished run.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder of the new run; else RUN/reproduced."),
    ] = None,
    overrides: Annotated[
        list[str],
        typer.Option("--set", metavar="PATH=VALUE", help="Say where the data lie now."),
    ] = [],
    plugins: Annotated[
        list[Path], typer.Option("--plugin", help="A Python file that the run was made with.")
    ] = [],
) -> None:
    """Make a run again, compare bit for bit, and say what differs; exit status 1 if any does."""
    begin(f"opening {run}")
    with watched() as bars:
        found = mmx.reproduce(run, out=out, overrides=overrides, plugins=plugins, observer=bars)
    for one in found.results:
        say(f"{one.name:<12} {'identical' if one.same else 'DIFFERENT: ' + one.words}")
    if found.surroundings:
        say("around the run, these have changed:")
    for change in found.surroundings:
        say(f"  {change.key}: {change.left} -> {change.right}")
    say(f"made again in {found.run.path}")
    if not found.identical:
        raise typer.Exit(DIFFERENT)
