"""mmx init: write a first spec."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

import mmx
from mmx import commands
from mmx_cli.mappings import Join
from mmx_cli.plain_words import plain_words
from mmx_cli.terminal import begin, say

Name = Annotated[str | None, typer.Option(metavar="COLUMN", help="Do not guess this column.")]

Case = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="Its rows are one case; none: each row is a case."),
]
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
Names = Annotated[
    str | None,
    typer.Option(
        "--columns", metavar="A,B,...", help="Names of the columns of a CSV without a header."
    ),
]
Task = Annotated[
    Literal["single_label", "multi_label", "ordinal"] | None,
    typer.Option(help="What is learned of the labels; without: as they speak.", show_default=False),
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
    case: Case = None,
    task: Task = None,
    record: Annotated[
        bool, typer.Option("--record", help="Facts are a modality, not sentences.")
    ] = False,
    join: Join = [],
    encoding: Encoding = None,
    separator: Separator = None,
    sheet: Sheet = None,
    columns: Names = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite.")] = False,
) -> None:
    """Write a commented spec for synthetic data, or for your own table by guessing its columns."""
    given = {"image": image, "text": text, "label": label, "group": group, "case": case}
    said = {role: name for role, name in given.items() if name is not None}
    with plain_words():
        settings = {
            "columns": columns, "encoding": encoding, "separator": separator, "sheet": sheet,
        }  # fmt: skip
        stated: dict[str, object] = {key: one for key, one in settings.items() if one is not None}
        asked = {**said, "task": task, "record": record, "join": join, **stated}
        if table is None and any(asked.values()):
            option = next(name for name, value in asked.items() if value)
            raise mmx.MmxError(f"--{option} is about a table; name it with --table")
        found = None
        if table is not None:
            found, stated = _guessed(table, said, task, join, stated, record)
        commands.write_template(out, table=table, columns=found, force=force, reading=stated)
    for line in found.told() if found else []:
        say(line)
    say(f"wrote {out}; next: mmx spec check {out}, then mmx run {out}")


def _guessed(
    table: Path,
    said: dict[str, str],
    task: str | None,
    join: Sequence[Path],
    stated: dict[str, object],
    record: bool,
) -> "tuple[commands.Columns, dict[str, object]]":
    """What is guessed of the columns, with what is asked about other tables beside.

    Also how the table is read. What a user must know of that is said before anything is guessed.
    """
    begin(f"reading {table}")
    reader, given = None, {key: str(one) for key, one in stated.items()}
    if (names := given.pop("columns", None)) is not None:
        stated = {**given, "columns": [name.strip() for name in names.split(",")]}
        reader, given = commands.reader_with_columns(table, stated), {}
    encoding, separator, sheet = map(given.get, ("encoding", "separator", "sheet"))
    found = mmx.open_table(
        table, encoding=encoding, separator=separator, sheet=sheet, reader=reader, join=join
    )
    for line in found.notes:
        say(line)
    folder = found.folder or table.absolute().parent
    columns = commands.guess_columns(found.cells, folder, given=said, task=task)
    columns = commands.with_lists(columns, table, found.cells)
    columns = commands.with_record(columns, found.cells) if record else columns
    lists = columns.split.get("files", {}).values()
    beside = commands.tables_beside(table, found.cells, [*join, *lists])
    whole = replace(columns, questions=(*columns.questions, *beside), join=tuple(join))
    read: dict[str, object] = {**found.guesses, **stated}
    if reader is not None:
        read = {"reader": {**reader.model_dump(include={"type"}), **read}}
    return whole, read
