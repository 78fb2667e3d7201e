"""Which methods of a spec fit its task; a combination that does not is refused at its line."""

from collections.abc import Iterator

from mmx.errors import MmxError
from mmx.interfaces import Params
from mmx.plugins import Plugins


def unfit(params: Params, task: str, methods: Plugins) -> str:
    """Why a method does not fit a task, and which ones do; empty where it fits.

    Args:
        params: settings of the method.
        task: type of the task.
        methods: among which others are looked for.
    """
    if params.fits(task):
        words = params.misfit(task)
        return f"{params.entry_point}: {words}" if words else ""
    names = sorted(_fitting(params.kind, task, methods))
    instead = params.instead.get(task) or (f"use {' or '.join(names)}" if names else "leave it out")
    made = " and ".join(sorted(params.tasks))
    return f"{params.entry_point} is defined for {made}, and this spec has task: {task}; {instead}"


def _fitting(kind: str, task: str, methods: Plugins) -> Iterator[str]:
    for one in methods.installed(kind):
        try:
            if methods.find(kind, one.type).fits(task):
                yield one.type
        except MmxError:  # a broken method is no advice
            continue
