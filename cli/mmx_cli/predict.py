"""mmx predict: what a run says to new cases."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

import mmx
from mmx import commands
from mmx_cli.mappings import Columns, Join, Plugins, Root, Without, pairs
from mmx_cli.plain_words import PARTLY_DONE, USER_MISTAKE, plain_words
from mmx_cli.terminal import begin, say
from mmx_cli.watched import watched

SHOWN = 20  # rows that are not answered, in the terminal
GIVE = "give --image, --text, --text-file or --record for one case, or --table for many"


Images = Annotated[
    list[Path],
    typer.Option(
        "--image",
        help="An image file, or NAME=FILE where the run reads several kinds of images; several "
        "in the order of the run's images.",
    ),
]
Texts = Annotated[
    list[str],
    typer.Option("--text", help="The text of the case, or NAME=TEXT where the run reads several."),
]
TextFiles = Annotated[
    list[str],
    typer.Option(
        "--text-file",
        metavar="FILE",
        help="A file with the text of the case, or NAME=FILE where the run reads several.",
    ),
]
Fields = Annotated[
    list[str],
    typer.Option("--record", metavar="NAME=VALUE", help="A field of the case, such as age=61."),
]
Table = Annotated[Path | None, typer.Option("--table", help="Many cases: CSV, TSV or Parquet.")]
Out = Annotated[
    Path | None, typer.Option("--out", help="Where to write the answers: CSV, TSV or Parquet.")
]
ImageColumns = Annotated[
    list[str],
    typer.Option(help="Columns of images in their places, several with commas between them."),
]
TextColumn = Annotated[str | None, typer.Option(help="Column of the text.")]
Explain = Annotated[
    Path | None,
    typer.Option("--explain", metavar="PAGE.html", help="Also write a page that says why."),
]


# parameters: each is an option of the command line
def predict(
    run: Annotated[Path, typer.Argument(help="Directory of a finished run.")],
    image: Images = [],
    text: Texts = [],
    text_file: TextFiles = [],
    record: Fields = [],
    table: Table = None,
    join: Join = [],
    out: Out = None,
    column: Columns = [],
    image_column: ImageColumns = [],
    text_column: TextColumn = None,
    root: Root = None,
    without: Without = [],
    explain: Explain = None,
    plugins: Plugins = [],
) -> None:
    """Predict one case from --image, --text (--text-file) and --record, or those of a --table."""
    if (table is None) != bool(image or text or text_file or record):
        say(f"error: {GIVE}", err=True)
        raise typer.Exit(USER_MISTAKE)
    begin(f"opening {run}")
    with watched() as bars:
        answers = mmx.ask(
            run,
            _case(image, text, text_file, record) if table is None else table,
            join=join,
            columns=pairs("--column", column),
            image_columns=image_column,
            text_column=text_column,
            root=root,
            without=without,
            explain=explain is not None,
            plugins=plugins,
            observer=bars,
        )
    _write(answers, run, out, explain)
    if out is None:
        _tell_all(answers, named=table is not None)
    _refused(answers)


def _case(images: list[Path], texts: list[str], files: list[str], record: list[str]) -> "mmx.Case":
    given: list[str | Path] = [*texts, *map(Path, files)]
    if len(given) == 1:
        return mmx.Case(images=images, text=given[0], record=pairs("--record", record))
    told: dict[str, str | Path] = {**pairs("--text", texts)}
    told |= {name: Path(file) for name, file in pairs("--text-file", files).items()}
    return mmx.Case(images=images, text=told or None, record=pairs("--record", record))


def _write(answers: "commands.Answers", run: Path, out: Path | None, explain: Path | None) -> None:
    """The files that were asked for, and what is to know of the answers."""
    with plain_words():
        if explain is not None:
            answers.write_page(explain, run.name)
            say(f"why: {explain}")
        if out is not None:
            note = answers.write(out)
            say(f"{len(answers.table)} cases written to {out}")
            if note:
                say(f"note: {note}", err=True)
    for note in answers.notes:
        say(f"note: {note}", err=True)


def _tell_all(answers: "commands.Answers", *, named: bool) -> None:
    for row in answers.texts:
        if named:
            say(f"{answers.table['id'].iloc[row]}:")
        _tell(answers, row)


def _refused(answers: "commands.Answers") -> None:
    """Say which rows are not answered, and end with a status of its own when there are some."""
    refused = answers.refused
    if not len(refused):
        return
    count = f"{len(refused)} of {len(answers.table)} cases"
    say(f"{count} could not be read and are not answered:", err=True)
    for name, reason in refused.head(SHOWN).itertuples(index=False):
        say(f"  {name}: {reason}", err=True)
    if len(refused) > SHOWN:
        say(f"  ... and {len(refused) - SHOWN} more; --out writes them all", err=True)
    raise typer.Exit(PARTLY_DONE)


def _tell(answers: "commands.Answers", row: int) -> None:
    """Probabilities, columns of inference hooks and reasons, in lines."""
    for name, probability in answers.probabilities(row).items():
        unit = answers.unit
        told = f"{probability:6.1%}" if unit is None else f"{probability:.4g} {unit}".rstrip()
        say(f"  {name:<24} {told}")
    for name, value in answers.extras(row).items():
        say(f"  {name:<24} {value:.4g}")
    if row in answers.explanations:
        for line in _reasons(answers.explanations[row]):
            say(f"  {line}")


def _reasons(why: "commands.Explanation") -> Iterator[str]:
    """Shares of the modalities, the words that matter most, and gates, in lines."""
    if why.shares:
        told = ", ".join(
            f"{name} {why.told(share)}"
            + (f" ± {why.error(why.share_errors[name])}" if name in why.share_errors else "")
            for name, share in why.shares.items()
        )
        yield f"from: {told}{why.in_unit} of the {why.what}"
    for name, words in why.words.items():
        strongest = sorted(words, key=lambda pair: -abs(pair[1]))[:5]
        told = ", ".join(f"{word} {why.told(value)}" for word, value in strongest)
        yield f"words{f' of {name}' if len(why.words) > 1 else ''}: {told}{why.in_unit}"
    for name, rows in why.columns.items():
        unit = f", in{why.in_unit}" if why.in_unit else ""
        yield f"without a column{f' of {name}' if len(why.columns) > 1 else ''}{unit}:"
        for one in sorted(rows, key=lambda row: -max(map(abs, row.changes.values()))):
            changed = sorted(one.changes.items(), key=lambda pair: -abs(pair[1]))[:3]
            told = ", ".join(f"{label} {why.told(value)}" for label, value in changed)
            yield f"  {one.column}: {one.answer} ({told})"
    for name, values in why.weights.items():
        yield f"{name}: {', '.join(f'{value:.2f}' for value in values)}"
    yield from why.notes
