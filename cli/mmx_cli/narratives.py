"""mmx narratives: what the model will read."""

import shutil
import textwrap
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


def narratives(
    spec: Annotated[Path, typer.Argument(help="The spec, a YAML file.")],
    n: Annotated[int, typer.Option("--n", min=1, help="How many samples.")] = 20,
    overrides: Overrides = [],
    plugins: Plugins = [],
) -> None:
    """Print samples with their texts, evenly over the classes; nothing is trained."""
    begin(f"reading {spec}")
    from mmx_cli.progress import Bars, Console  # rich, which no other command should wait for

    with plain_words():
        loaded = mmx.load_spec(spec, overrides=overrides, plugins=plugins)
        with Bars(Console(stderr=True)) as bars:
            samples = mmx.narratives(loaded, n, observer=bars)
    if loaded.leaky:
        say("LEAKY: these texts were written knowing the label", fg="red", bold=True)
    if not loaded.narratives_read:
        say("note: no encoder of this spec reads a text, so no model will see these", err=True)
    for sample in samples:
        say(f"{sample.id}  {sample.label or 'no label'}  ({sample.part})", bold=True)
        for name, text in sample.texts.items():
            said = text or "(no text)"
            _say_indented(said if len(sample.texts) == 1 else f"{name}: {said}")


def _say_indented(text: str) -> None:
    width = min(shutil.get_terminal_size().columns, 100)
    say(textwrap.fill(text, width, initial_indent="  ", subsequent_indent="  "))
