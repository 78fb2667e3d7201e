"""The hooks of one run: who only watches cannot stop it, nor change what it keeps."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import TypeGuard

from mmx.errors import MmxError, PluginError
from mmx.interfaces import MOMENTS, Hook, HookParams
from mmx.plugins import location_of, nearest
from mmx.runs.progress import Observer

_SHOWN = 300  # characters of what a hook raised
_AT_THE_END = ("failed", "stopped")  # the run ends with an error of its own


@dataclass(frozen=True, slots=True)
class _NamedHook:
    """A hook with the name that a spec gives it, and the files in which its errors are placed."""

    name: str
    hook: Hook
    files: tuple[str, ...]
    required: bool


class Hooks:
    """The hooks that one spec names, an instance of each, called in the order of the spec.

    Args:
        given: settings of each.
        observer: is told of failures.
        also: hooks of mmx itself, whose errors end the run.

    Attributes:
        notes: what failed, each hook and moment once, in sentences for the report.

    Raises:
        PluginError: a hook is no `mmx.Hook` or has a misspelt method, or one that the spec
            requires cannot be built.
    """

    def __init__(
        self, given: Sequence[HookParams], observer: Observer, also: Sequence[Hook] = ()
    ) -> None:
        self._observer = observer
        self._failed = set[tuple[str, str]]()
        self.notes: list[str] = []
        own = [_NamedHook(type(hook).__name__, hook, (), required=True) for hook in also]
        self._hooks = [*own, *filter(None, map(self._built, given))]

    def audit_checks(self) -> Iterator[object]:
        """The checks that hooks give to the audit.

        Raises:
            PluginError: a hook failed; without its checks, the audit would not be the one that
                was asked for.
        """
        for one in self._hooks:
            try:
                yield from _listed(one.hook.audit_checks())
            except (Exception, SystemExit) as error:
                words = _located(error, one.files)
                raise PluginError(f"audit_checks() of {one.name} failed: {words}") from error

    def tell(self, moment: str, *facts: object) -> None:
        """Call a method of every hook.

        Args:
            moment: its name, such as ``started``.
            facts: what it is given; of mutable values each hook gets a copy.

        Raises:
            PluginError: a hook failed that the spec requires, unless the run ends anyway.
            KeyboardInterrupt: the user stopped the run.
        """
        for _ in self._answers(moment, facts):
            pass

    def report_sections(self, *facts: object) -> list[tuple[str, str]]:
        """Title and HTML of each section that hooks give to the report; raises as ``tell``."""
        found = []
        for one, answer in self._answers("report_sections", facts):
            for section in _listed(answer):
                section = tuple(section) if isinstance(section, list) else section
                if _is_section(section):
                    found.append(section)
                else:
                    words = f"gave {str(section)[:60]!r}, which is no pair of title and HTML"
                    self._note(one.name, "report_sections", words)
        return found

    def _built(self, params: HookParams) -> _NamedHook | None:
        """A hook of its own for this run; None, and a note, where it cannot be built."""
        name, required = str(getattr(params, "type", "")), params.required
        files = tuple(_files(type(params)))
        try:
            hook = params.build()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - who watches ends no run, nor by exit()
            self._failure(name, "build", error, files, required)
            return None
        if not isinstance(hook, Hook):
            raise PluginError(f"build() of hook.{name} gave {hook!r}, which is no mmx.Hook")
        _refuse_misspelt(name, type(hook))
        return _NamedHook(name, hook, (*files, *_files(type(hook))), required)

    def _answers(
        self, moment: str, facts: tuple[object, ...]
    ) -> Iterator[tuple[_NamedHook, object]]:
        """What each hook gives, those that fail left out."""
        for one in self._hooks:
            call: Callable[..., object] = getattr(one.hook, moment)
            given = [deepcopy(fact) if isinstance(fact, dict | list) else fact for fact in facts]
            try:
                answer = call(*given)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 - who watches ends no run, nor by exit()
                required = one.required and moment not in _AT_THE_END
                self._failure(one.name, moment, error, one.files, required)
                continue
            yield one, answer

    def _failure(
        self, name: str, moment: str, error: BaseException, files: tuple[str, ...], required: bool
    ) -> None:
        if required and isinstance(error, MmxError):
            raise error
        words = f"failed: {_located(error, files)}"[:_SHOWN]
        if required:
            raise PluginError(f"{name}, which the spec requires, {words}") from error
        self._note(name, moment, words)

    def _note(self, name: str, moment: str, words: str) -> None:
        """Tell it the first time."""
        if (name, moment) in self._failed:
            return
        self._failed.add((name, moment))
        note = f"{name}: its method {moment} {words}; the run does not depend on it."
        self.notes.append(note)
        self._observer.message(f"warning: {note}")


def _refuse_misspelt(name: str, hook: type[Hook]) -> None:
    """A method that nobody would call, because its name is nearly that of a moment."""
    for method in sorted(set(dir(hook)) - set(dir(Hook))):
        meant = None if method.startswith("_") else nearest(method, MOMENTS)
        if meant:
            raise PluginError(
                f"hook.{name} has a method {method!r}, which is never called; nearest: {meant}. "
                "Begin names of your own with an underscore"
            )


def _listed(answer: object) -> Iterable[object]:
    return answer if isinstance(answer, list | tuple) else [answer]


def _files(own: type) -> Iterator[str]:
    """The file that a class stands in."""
    file = getattr(sys.modules.get(own.__module__), "__file__", None)
    if file:
        yield str(file)


def _located(error: BaseException, files: tuple[str, ...]) -> str:
    """An error with the last line in one of these files that led to it."""
    places = [location_of(error, file) for file in files]
    lines = [location for location, file in zip(places, files, strict=True) if location != file]
    location = next(iter([*lines, *places]), "")
    return f"{f'{location}: ' if location else ''}{type(error).__name__}: {error}"


def _is_section(section: object) -> TypeGuard[tuple[str, str]]:
    if not isinstance(section, tuple) or len(section) != 2:
        return False
    return all(isinstance(one, str) for one in section)
