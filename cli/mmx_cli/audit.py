"""mmx audit: look for leaks and faults in the data of a spec."""

from pathlib import Path
from typing import Annotated

import typer

import mmx
from mmx_cli.terminal import begin, say, say_table
from mmx_cli.watched import watched

FOUND_ERRORS = 1  # exit status
COLOURS = {"error": "red", "waived": "yellow", "warning": "yellow"}

Overrides = Annotated[
    list[str], typer.Option("--set", metavar="PATH=VALUE", help="Change one value of the spec.")
]
Plugins = Annotated[list[Path], typer.Option("--plugin", help="Load methods from a Python file.")]
Out = Annotated[Path | None, typer.Option("--out", help="Folder of audit.html and audit.json.")]


def audit(
    spec: Annotated[Path, typer.Argument(help="The spec, a YAML file.")],
    overrides: Overrides = [],
    plugins: Plugins = [],
    out: Out = None,
) -> None:
    """Find leaks before training; exit status 1 when there is an error."""
    begin(f"reading {spec}")
    with watched() as bars:
        loaded = mmx.load_spec(spec, overrides=overrides, plugins=plugins)
        audited = mmx.audit_spec(loaded, out=out, observer=bars)
    rows = [(audited.counts(one), one.check, one.message) for one in audited.findings]
    if rows:
        say_table(("verdict", "check", "finding"), rows, COLOURS)
    errors = len(audited.errors)
    say(f"{errors} {'error' if errors == 1 else 'errors'}; written to {audited.folder}")
    if errors:
        raise typer.Exit(FOUND_ERRORS)
