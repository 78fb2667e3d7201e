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
        self._tasks: dict[tuple[str, str], TaskID] = {}

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
        self._drawn.update(
            self._task(progress), completed=progress.done, total=progress.total or None,
            told=escape(shown(_told(progress))),
        )  # fmt: skip

    def _task(self, step: "commands.Progress") -> TaskID:
        """The bar of a stage, which begins anew where it counts other things."""
        if (step.stage, step.unit) not in self._tasks:
            for stage, unit in [one for one in self._tasks if one[0] == step.stage]:
                self._drawn.remove_task(self._tasks.pop((stage, unit)))
            self._tasks[step.stage, step.unit] = self._drawn.add_task(
                escape(shown(step.stage)), total=step.total or None, told=""
            )
        return self._tasks[step.stage, step.unit]

    def message(self, text: str) -> None:
        """Print a line above the bars."""
        self._console.print(shown(text), markup=False, highlight=False, soft_wrap=True)


def _told(step: "commands.Progress") -> str:
    """Values, rate and time left, in the width of a terminal."""
    words = [f"{name} {value:.3g}" for name, value in step.values.items()]
    if not step.total:
        words.append(step.unit)
    if step.rate:
        words.append(f"{step.rate:,.0f} {step.unit}/s")
    if step.seconds_left is not None and step.done < step.total:
        words.append(f"{_clock(step.seconds_left)} left")
    return "  ".join(words)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
