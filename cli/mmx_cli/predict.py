"""mmx predict: what a run says to new cases."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

import mmx
from mmx_cli.plain_words import USER_MISTAKE, plain_words, shown


def predict(
    run: Annotated[Path, typer.Argument(help="Directory of a finished run.")],
    image: Annotated[Path | None, typer.Option("--image", help="An image file.")] = None,
    text: Annotated[str, typer.Option("--text", help="The text of the case.")] = "",
    table: Annotated[
        Path | None, typer.Option("--table", help="Many cases: CSV, TSV or Parquet.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Where to write the CSV.")] = None,
    image_column: Annotated[str, typer.Option(help="Column of image files.")] = "image",
    text_column: Annotated[str, typer.Option(help="Column of texts.")] = "text",
    explain: Annotated[
        Path | None,
        typer.Option("--explain", metavar="PAGE.html", help="Also write a page that says why."),
    ] = None,
) -> None:
    """Predict one case from --image and --text, or the cases of a --table."""
    if (table is None) == (image is None and not text):
        typer.echo("error: give --image or --text for one case, or --table for many", err=True)
        raise typer.Exit(USER_MISTAKE)
    from mmx_cli.progress import Bars, Console  # rich, which no other command should wait for

    with plain_words():
        if table is None:
            cases = [mmx.Case("case", image, text)]
        else:
            cases = mmx.read_cases(table, image=image_column, text=text_column)
        with Bars(Console(stderr=True)) as bars:
            answers = mmx.predict(run, cases, explain=explain is not None, observer=bars)
        if explain is not None:
            mmx.write_explanations(explain, run.name, cases, answers)
            typer.echo(f"why: {explain}")
        if out is not None:
            mmx.write_answers(out, answers)
            typer.echo(f"{len(answers)} cases written to {out}")
            return
    for answer in answers:
        if table is not None:
            typer.echo(f"{shown(answer.id)}:")
        _tell(answer)


def _tell(answer: "mmx.Answer") -> None:
    """Probabilities, columns of inference hooks and reasons, in lines."""
    for name, probability in answer.probabilities.items():
        typer.echo(f"  {shown(name):<24} {probability:6.1%}")
    for name, value in answer.extras.items():
        typer.echo(f"  {name:<24} {value:.4g}")
    if answer.explanation is not None:
        for line in _reasons(answer.explanation):
            typer.echo(f"  {line}")


def _reasons(why: "mmx.Explanation") -> Iterator[str]:
    """Shares of the sides, the words that matter most, and gates, in lines."""
    if why.shares:
        told = ", ".join(f"{side} {100 * share:+.0f}" for side, share in why.shares.items())
        yield f"from: {told} points of the probability"
    strongest = sorted(why.words, key=lambda pair: -abs(pair[1]))[:5]
    if strongest:
        told = ", ".join(f"{word} {100 * value:+.0f}" for word, value in strongest)
        yield f"words: {told} points"
    for name, values in why.weights.items():
        yield f"{name}: {', '.join(f'{value:.2f}' for value in values)}"
    yield from map(shown, why.notes)
