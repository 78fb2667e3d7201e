"""mmx plugins: what is installed, what it can be told, which checks it passes; and a new one."""

import json
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

import mmx
from mmx import commands
from mmx_cli.plain_words import plain_words
from mmx_cli.terminal import say, say_table

app = typer.Typer(
    help="List installed methods, show one, check one, or begin one.", no_args_is_help=True
)

Files = Annotated[list[Path], typer.Option("--plugin", help="Add methods from a Python file.")]
COLOURS = {
    "found": "green",
    "blocked": "yellow",
    "clash": "red",
    "incompatible": "red",
    "missing module": "red",
}
OUTCOMES = {
    "passed": "green",
    "expected failure": "yellow",
    "not run": "yellow",
    "failed": "red",
    "unexpected pass": "red",
}
BROKEN, UNANSWERED = 1, 3  # exit status


@app.command("list")
def list_methods(
    kind: Annotated[str | None, typer.Option(help="Only this kind, such as fusion.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    files: Files = [],
) -> None:
    """List all methods from package metadata; no plugin is imported."""
    with plain_words():
        methods = mmx.Plugins(files=files).installed(kind)
    if as_json:
        say(json.dumps([asdict(method) for method in methods], indent=2))
        return
    columns = ("kind", "type", "distribution", "version", "api", "status", "summary")
    rows = [
        (
            one.kind,
            one.type,
            one.package,
            one.version,
            str(one.api),
            one.status,
            one.reason or one.summary,
        )
        for one in methods
    ]
    say_table(columns, rows, COLOURS)


@app.command("show")
def show_method(
    name: Annotated[str, typer.Argument(help="fusion.concat, or concat, or mmx-film/film.")],
    files: Files = [],
) -> None:
    """Show the parameters of a method, and the paper it comes from."""
    with plain_words():
        shown = commands.describe(name, plugins=mmx.Plugins(files=files))
    method = shown.method
    say(f"{method.key}  ({method.package} {method.version}, {method.module})", bold=True)
    say(f"{shown.text}\n")
    if shown.source and shown.source not in " ".join(shown.text.split()):
        say(f"Source: {shown.source}\n")
    for one in shown.parameters:
        say(_told(one), fg="cyan")
        say(f"    {one.description or 'not described'}")


@app.command("check")
def check_method(
    name: Annotated[str, typer.Argument(help="fusion.concat, or concat, or mmx-film/film.")],
    settings: Annotated[
        list[str], typer.Option("--set", metavar="KEY=VALUE", help="Give it one setting.")
    ] = [],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    files: Files = [],
) -> None:
    """Try the checks of its kind on a method; exit status 1 when it fails one.

    Exit status 3: none failed, but some were not run, so that nothing is known about them.
    """
    with plain_words():
        plugins = mmx.Plugins(files=files)
        certificate = commands.check_plugin(name, settings=settings, plugins=plugins)
    untried = certificate.untried
    if as_json:
        told = {"ok": certificate.ok, "untried": untried}
        say(json.dumps({**asdict(certificate), **told}, indent=2))
    else:
        made = f"({certificate.package} {certificate.version}, sha256 {certificate.digest})"
        say(f"{certificate.key}  {made}", bold=True)
        rows = [(one.name, one.status, one.detail) for one in certificate.checks]
        say_table(("check", "status", "detail"), rows, OUTCOMES)
        left = f"; {len(untried)} were not run" if untried else ""
        say(f"{certificate.held} of {len(certificate.checks)} checks passed{left}")
    if not certificate.ok:
        raise typer.Exit(BROKEN)
    if untried:
        raise typer.Exit(UNANSWERED)


@app.command("new")
def new_package(
    kind: Annotated[str, typer.Argument(help="Such as fusion, loss or hook.")],
    name: Annotated[str, typer.Argument(help="Of the method, such as cross_talk.")],
    folder: Annotated[Path, typer.Option("--dir", help="Where the package goes.")] = Path(),
) -> None:
    """Write a pip package with a small working method of this kind, its test and a readme."""
    with plain_words():
        root = commands.new_plugin(kind, name, folder)
    for file in sorted(path for path in root.rglob("*") if path.is_file()):
        say(f"wrote {file}")
    say(f"next: cd {shlex.quote(str(root))}, pip install -e '.[test]', python -m pytest")


def _told(one: "commands.Parameter") -> str:
    """One line on a parameter: ``heads: int, >= 1, in channels (default 8)``."""
    unit = f"in {one.unit}" if one.unit else ""
    told = ", ".join(filter(None, (one.type, one.range, unit)))
    given = "required" if one.default is None else f"default {one.default}"
    return f"{one.name}: {told} ({given})"
