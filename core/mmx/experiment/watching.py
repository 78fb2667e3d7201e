"""Life-cycle hooks of a run: who only watches cannot stop it, nor change what it keeps."""

import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, TypeGuard

from mmx.errors import MmxError, PluginError
from mmx.plugins import Registry, place_of
from mmx.runs import Observer

_SHOWN = 300  # characters of what a plugin raised


class Watchers:
    """The hooks of the plugins that one spec loaded.

    Attributes:
        notes: what failed, each plugin and moment once, for the report.
    """

    def __init__(self, plugins: Registry, observer: Observer) -> None:
        self._plugins, self._observer = plugins, observer
        self._failed = set[tuple[str, str]]()
        self.notes: list[str] = []

    def tell(self, moment: str, **facts: Any) -> None:
        """Call a hook of every plugin.

        Args:
            moment: name of the hook, such as ``mmx_run_started``.
            facts: its arguments; mutable ones are copied.

        Raises:
            PluginError: a plugin failed that the spec requires.
            KeyboardInterrupt: the user stopped the run.
        """
        for _ in self._answers(moment, facts):
            pass

    def sections(self, **facts: Any) -> list[tuple[str, str]]:
        """Title and HTML of each section that plugins give to the report; raises as ``tell``."""
        found = []
        for name, answer in self._answers("mmx_report_sections", facts):
            for section in answer if isinstance(answer, list | tuple) else [answer]:
                section = tuple(section) if isinstance(section, list) else section
                if _is_section(section):
                    found.append(section)
                else:
                    words = f"gave {str(section)[:60]!r}, which is no pair of title and HTML"
                    self._note(name, "mmx_report_sections", words)
        return found

    def _answers(self, moment: str, facts: dict[str, Any]) -> Iterator[tuple[str, object]]:
        """What each plugin gives, those that fail left out."""
        for name, call in self._plugins.watchers(moment).items():
            given = {key: deepcopy(value) if _may_change(value) else value
                     for key, value in facts.items()}  # fmt: skip
            try:
                answers = call(**given)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 - SystemExit too: who watches does not end the run
                self._failure(name, moment, error)
                continue
            yield from ((name, answer) for answer in answers)

    def _failure(self, name: str, moment: str, error: BaseException) -> None:
        required = self._plugins.is_required(name)
        if required and isinstance(error, MmxError):
            raise error
        module = sys.modules.get(name)
        place = place_of(error, str(getattr(module, "__file__", "")))
        words = f"failed: {place}: {type(error).__name__}: {error}"[:_SHOWN]
        if required:
            raise PluginError(f"{_label(name)}, which the spec requires, {words}") from error
        self._note(name, moment, words)

    def _note(self, name: str, moment: str, words: str) -> None:
        """Tell it the first time."""
        if (name, moment) in self._failed:
            return
        self._failed.add((name, moment))
        note = f"{_label(name)}: its hook {moment} {words}; the run does not depend on it."
        self.notes.append(note)
        self._observer.message(f"warning: {note}")


def _is_section(section: object) -> TypeGuard[tuple[str, str]]:
    if not isinstance(section, tuple) or len(section) != 2:
        return False
    return all(isinstance(one, str) for one in section)


def _may_change(value: object) -> bool:
    return isinstance(value, dict | list)


def _label(name: str) -> str:
    """Name of a plugin for a reader: of a local file the file, else the module."""
    file = getattr(sys.modules.get(name), "__file__", None)
    return Path(file).stem if file and name.startswith("mmx_local_") else name
