"""mmx init: write a first spec."""

from pathlib import Path
from typing import Annotated

import typer

import mmx
from mmx import commands
from mmx_cli.plain_words import plain_words
from mmx_cli.terminal import say

Name = Annotated[str | None, typer.Option(metavar="COLUMN", help="Do not guess this column.")]

Encoding = Annotated[
    str | None,
    typer.Option(help="Of the table, such as cp1252 or gbk; without: UTF-8, or found out."),
]
Separator = Annotated[
    str | None, typer.Option(help="Between the cells of the table.", show_default=False)
]
Sheet = Annotated[
    str | None, typer.Option(help="Of a spreadsheet; without: the first.", show_default=False)
]


# parameters: each is an option of the command line
def init(
    table: Annotated[
        Path | None, typer.Option(help="Your own table; without: synthetic data.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The spec to write.")] = Path("spec.yaml"),
    image: Name = None,
    text: Name = None,
    label: Name = None,
    group: Name = None,
    encoding: Encoding = None,
    separator: Separator = None,
    sheet: Sheet = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite.")] = False,
) -> None:
    """Write a commented spec for synthetic data, or for your own table by guessing its columns."""
    given = {"image": image, "text": text, "label": label, "group": group}
    said = {role: name for role, name in given.items() if name is not None}
    with plain_words():
        if table is None and said:
            raise mmx.MmxError(f"--{next(iter(said))} names a column; name its table with --table")
        columns, notes = None, list[str]()
        settings = {"encoding": encoding, "separator": separator, "sheet": sheet}
        stated = {name: value for name, value in settings.items() if value is not None}
        if table is not None:
            found = mmx.open_table(table, encoding=encoding, separator=separator, sheet=sheet)
            stated, notes = {**found.guesses, **stated}, list(found.notes)
            columns = commands.guess_columns(
                found.cells, found.folder or table.absolute().parent, given=said
            )
        commands.write_template(out, table=table, columns=columns, force=force, reading=stated)
    for line in notes:
        say(line)
    for line in columns.told() if columns else []:
        say(line)
    say(f"wrote {out}; next: mmx spec check {out}, then mmx run {out}")
