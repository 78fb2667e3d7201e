"""The command `mmx`: every group of commands is registered here, one line each."""

from typing import Annotated

import typer

from mmx_cli import audit, evaluate, init, narratives, plugins, predict, reproduce, run, spec, study
from mmx_cli.once import refuse_repeats
from mmx_cli.terminal import hear_log, say

app = typer.Typer(
    help="Which fusion, head, loss or encoder is really better for an image + text diagnosis?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # a bug of ours shows the plain traceback, to be pasted
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(plugins.app, name="plugins")
app.add_typer(spec.app, name="spec")
app.add_typer(study.app, name="study")
app.command("init")(init.init)
app.command("run")(run.run)
app.command("audit")(audit.audit)
app.command("narratives")(narratives.narratives)
app.command("evaluate")(evaluate.evaluate)
app.command("predict")(predict.predict)
app.command("reproduce")(reproduce.reproduce)
refuse_repeats(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # 25 ms that no other command needs

        say(f"mmx {version('mmx')}")
        raise typer.Exit


@app.callback()
def options(
    show_version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Take the options that stand before a command."""
    hear_log()
