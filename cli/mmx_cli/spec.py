"""mmx spec: check, show and compare specs, and give editors their schema."""

import json
from pathlib import Path
from typing import Annotated

import typer

import mmx
from mmx import commands
from mmx_cli.plain_words import USER_MISTAKE, plain_words
from mmx_cli.terminal import say

app = typer.Typer(help="Check, show or compare specs.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="The spec, a YAML file.")]
Overrides = Annotated[
    list[str], typer.Option("--set", metavar="PATH=VALUE", help="Change one value of the spec.")
]
Plugins = Annotated[list[Path], typer.Option("--plugin", help="Add methods from a Python file.")]


@app.command("check")
def check(
    file: File,
    overrides: Overrides = [],
    plugins: Plugins = [],
) -> None:
    """Tell every fault of a spec, each with its file, line and column."""
    with plain_words():
        faults = commands.check_spec(file, overrides=overrides, plugins=plugins)
    for fault in faults:
        say(str(fault), err=True)
    if faults:
        say(f"{len(faults)} {'fault' if len(faults) == 1 else 'faults'}", err=True)
        raise typer.Exit(USER_MISTAKE)
    with plain_words():
        spec = mmx.load_spec(file, overrides=overrides, plugins=plugins)
        notes = commands.spec_notes(spec)
    for note in notes:
        say(f"note: {note}", err=True)
    say(f"{file} is valid")


@app.command("show")
def show(
    file: File,
    overrides: Overrides = [],
    plugins: Plugins = [],
) -> None:
    """Show a spec with every default filled in, as YAML."""
    with plain_words():
        say(mmx.load_spec(file, overrides=overrides, plugins=plugins).to_yaml(), nl=False)


@app.command("diff")
def diff(
    left: Annotated[Path, typer.Argument(help="The first spec.")],
    right: Annotated[Path, typer.Argument(help="The second spec.")],
    plugins: Plugins = [],
) -> None:
    """List the values that differ between two specs, defaults included."""
    with plain_words():
        first, second = (mmx.load_spec(file, plugins=plugins) for file in (left, right))
        differences = commands.diff_specs(first, second)
    for one in differences:
        say(f"{one.key}: {_told(one.left)} -> {_told(one.right)}")
    if not differences:
        say("no difference")


@app.command("schema")
def schema(
    out: Annotated[Path | None, typer.Option(help="Write it to this file.")] = None,
    plugins: Plugins = [],
) -> None:
    """Print the JSON Schema of a spec with all installed methods, for editors."""
    with plain_words():
        schema = commands.spec_schema(plugins=mmx.Plugins(files=plugins))
        text = json.dumps(schema, indent=2) + "\n"
        if out is None:
            say(text, nl=False)
            return
        try:
            out.write_text(text, encoding="utf-8")
        except OSError as error:
            raise mmx.MmxError(f"{out} cannot be written: {error.strerror}") from None
    say(f"wrote {out}")


def _told(value: object) -> str:
    return str(value) if value is commands.ABSENT else json.dumps(value, ensure_ascii=False)
