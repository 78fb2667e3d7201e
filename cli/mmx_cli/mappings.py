"""Options that say how given cases answer to a run, and those of the form NEW=OLD."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

import mmx

Columns = Annotated[
    list[str],
    typer.Option(
        "--column",
        metavar="NEW=OLD",
        help="Column NEW of this table is what the run calls OLD; may be repeated.",
    ),
]
Join = Annotated[
    list[Path],
    typer.Option(
        "--join",
        metavar="FILE",
        help="A further table of the same cases, joined by the columns of the same name; may be "
        "repeated.",
    ),
]
Plugins = Annotated[
    list[Path],
    typer.Option(
        "--plugin", help="A Python file that the run was made with; no other is imported."
    ),
]
Root = Annotated[
    Path | None,
    typer.Option("--root", help="Folder of the images; else that of the run, or of the table."),
]
Without = Annotated[
    list[str],
    typer.Option(
        "--without",
        metavar="WHAT",
        help="State that the cases lack image, text, boxes or a column; may be repeated.",
    ),
]


def pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    """What stands left of the first = -> what stands right of it.

    Raises:
        mmx.DataError: no =, an empty side, or one left side twice.
    """
    found: dict[str, str] = {}
    for one in given:
        left, sign, right = one.partition("=")
        if not (left and sign and right):
            raise mmx.DataError(f"{option} {one!r} must have the form NAME=NAME")
        if left in found:
            raise mmx.DataError(f"{option} maps {left!r} twice, to {found[left]!r} and {right!r}")
        found[left] = right
    return found
