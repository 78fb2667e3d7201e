"""mmx run: train and evaluate what a spec describes."""

import os
from pathlib import Path
from typing import Annotated

import typer

import mmx
from mmx_cli.plain_words import plain_words
from mmx_cli.terminal import begin, say

Overrides = Annotated[
    list[str], typer.Option("--set", metavar="PATH=VALUE", help="Change one value of the spec.")
]
Plugins = Annotated[list[Path], typer.Option("--plugin", help="Load methods from a Python file.")]


def run(
    spec: Annotated[Path, typer.Argument(help="The spec, a YAML file.")],
    overrides: Overrides = [],
    plugins: Plugins = [],
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over instead of resuming.")] = False,
) -> None:
    """Train and evaluate; the same spec again resumes or returns its run."""
    begin(f"reading {spec}")
    from mmx_cli.progress import Bars, Console  # rich, which no other command should wait for

    console = Console(stderr=True)
    with plain_words():
        loaded = mmx.load_spec(spec, overrides=overrides, plugins=plugins)
        try:
            with Bars(console) as bars:
                finished = mmx.run(loaded, fresh=fresh, observer=bars)
        except KeyboardInterrupt:
            say("\nstopped; the same command continues where it was", err=True)
            raise typer.Exit(130) from None
        if os.environ.get("RANK", "0") == "0":  # the others of a launch only trained along
            say(finished.headline())
            say(f"report: {finished.report}")
