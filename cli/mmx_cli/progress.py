"""Draws the progress of a run; imported only by commands that draw, for rich is slow to load."""

from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from mmx_cli.terminal import shown

if TYPE_CHECKING:
    from mmx import commands

__all__ = ["Bars", "Console"]


class Bars:
    """One bar per stage, with what the stage reports and the time left; none without a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._drawn = Progress(
            TextColumn("{task.description:<12}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TextColumn("{task.fields[told]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "Bars":
        """Start drawing."""
        self._drawn.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the bars as they stand."""
        self._drawn.stop()

    def progress(self, progress: "commands.Progress") -> None:
        """Draw one step."""
        step = progress
        if step.stage not in self._tasks:
            self._tasks[step.stage] = self._drawn.add_task(
                escape(shown(step.stage)), total=step.total, told=""
            )
        task = self._tasks[step.stage]
        self._drawn.update(
            task, completed=step.done, total=step.total, told=escape(shown(_told(step)))
        )

    def message(self, text: str) -> None:
        """Print a line above the bars."""
        self._console.print(shown(text), markup=False, highlight=False, soft_wrap=True)


def _told(step: "commands.Progress") -> str:
    """Values, rate and time left, in the width of a terminal."""
    words = [f"{name} {value:.3g}" for name, value in step.values.items()]
    if step.rate:
        words.append(f"{step.rate:,.0f} {step.unit}/s")
    if step.seconds_left is not None and step.done < step.total:
        words.append(f"{_clock(step.seconds_left)} left")
    return "  ".join(words)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
