"""mmx study: compare methods under single-variable control."""

from pathlib import Path
from typing import Annotated, Literal

import typer

import mmx
from mmx import commands
from mmx_cli.plain_words import plain_words
from mmx_cli.terminal import begin, say, say_table

app = typer.Typer(help="Compare methods with everything else held fixed.", no_args_is_help=True)

Executor = Literal["local", "ray", "slurm"]
EarlyStop = Literal["asha"]
Plugins = Annotated[list[Path], typer.Option("--plugin", help="Load methods from a Python file.")]


@app.command("run")
def run(
    study: Annotated[Path, typer.Argument(help="The study, a YAML file.")],
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; unless said, one per core.")
    ] = None,
    replan: Annotated[
        bool, typer.Option("--replan", help="Accept a changed base, metric, seeds or data.")
    ] = False,
    executor: Annotated[
        Executor, typer.Option("--executor", help="Where the runs are made.")
    ] = "local",
    early_stop: Annotated[
        EarlyStop | None,
        typer.Option("--early-stop", help="Stop arms that fall behind on validation."),
    ] = None,
    plugins: Plugins = [],
) -> None:
    """Run every arm that is not finished, compare them, write the report."""
    begin(f"reading {study}")
    from mmx_cli.progress import Bars, Console  # rich, which no other command should wait for

    console = Console(stderr=True)
    with plain_words():
        try:
            with Bars(console) as bars:
                done = mmx.run_study(
                    study,
                    plugins=plugins,
                    workers=workers,
                    replan=replan,
                    observer=bars,
                    executor=executor,
                    early_stop=early_stop,
                )
        except KeyboardInterrupt:
            say("\nstopped; the same command continues where it was", err=True)
            raise typer.Exit(130) from None
    _tell(done)


@app.command("report")
def report(
    study: Annotated[str, typer.Argument(help="Name, folder or file of a study.")],
    plugins: Plugins = [],
) -> None:
    """Write the report of a study again from the runs that are finished."""
    begin(f"reading {study}")
    with plain_words():
        _tell(mmx.report_study(study, plugins=plugins))


@app.command("list")
def list_() -> None:
    """List the studies in the folder of the runs."""
    with plain_words():
        found = commands.list_studies()
    if not found:
        say("no study yet; `mmx study run STUDY.yaml` makes one")
        return
    rows = [
        (one.name, str(one.arms), str(one.finished), str(one.failed), one.written, str(one.path))
        for one in found
    ]
    say_table(("study", "arms", "finished", "failed", "planned", "folder"), rows, {})


def _tell(done: "commands.Study") -> None:
    """The words of the report on the terminal, and where the rest is; 3 if some arm has none."""
    say(done.summary())
    say(f"report: {done.report}")
    told = {name: f"{name} ({_first_line(reason)})" for name, reason in done.failed.items()}
    if done.stopped:
        say(f"stopped early: {'; '.join(told.pop(name) for name in done.stopped)}", err=True)
    if told:
        say(f"without a result: {'; '.join(told.values())}", err=True)
        raise typer.Exit(3)


def _first_line(reason: str) -> str:
    lines = reason.splitlines()
    return lines[0] if lines else "no reason is known"
