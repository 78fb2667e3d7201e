"""A check, and how all of them are found and asked."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import chain

from mmx.audit.finding import Finding
from mmx.audit.subject import Subject
from mmx.errors import MmxError, PluginError
from mmx.plugins import Registry, place_of

OWN = (
    "group_overlap", "wider_group", "identical_images", "near_identical_images", "label_words",
    "text_tells_label", "few_templates", "telling_columns", "file_traces", "border_shortcut",
    "repeated_text", "small_classes", "empty_side", "unread_record", "leak_columns",
    "narrow_range",
)  # fmt: skip
"""Checks that ship with mmx, in the order in which they are told; each is a module."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check, as the hook ``mmx_audit_checks`` gives it.

    Attributes:
        id: as it stands in findings and in ``audit.waive``.
        finds: what it looks for, in one line.
        run: from a subject to findings; an empty sequence when all is well.
        short: quick enough to be part of every run.
    """

    id: str
    finds: str
    run: Callable[[Subject], Sequence[Finding]]
    short: bool = False


def all_checks(plugins: Registry | None = None) -> list[Check]:
    """Our checks and those of the plugins that a spec loaded.

    Args:
        plugins: of the spec; None for our checks alone.

    Raises:
        PluginError: a plugin gives something that is no check, or an id twice.
    """
    plugins = plugins or Registry()
    for name in OWN:
        module = f"mmx.audit.checks.{name}"
        plugins.register(import_module(module), module)
    found = list(_given(plugins))
    places = {name: place for place, name in enumerate(OWN)}
    ids = [check.id for check in found]
    for id in ids:
        if ids.count(id) > 1:
            raise PluginError(f"two checks of the audit are called {id!r}; rename one of them")
    return sorted(found, key=lambda check: (places.get(check.id, len(OWN)), check.id))


def _given(plugins: Registry) -> Iterator[Check]:
    for name, call in plugins.watchers("mmx_audit_checks").items():
        for check in chain.from_iterable(_asked(name, call)):
            if not isinstance(check, Check):
                raise PluginError(
                    f"mmx_audit_checks() must return a list of mmx.Check, not {check!r}"
                )
            yield check


def _asked(name: str, call: Callable[..., list[object]]) -> list[list[object]]:
    """What one plugin gives; an audit without its checks would not be the one that was asked."""
    try:
        answers = call()
        return [
            list(answer) if isinstance(answer, list | tuple) else [answer] for answer in answers
        ]
    except (Exception, SystemExit) as error:
        file = str(getattr(sys.modules.get(name), "__file__", ""))
        place = place_of(error, file)
        words = f"mmx_audit_checks() of {name} failed: {place}: {type(error).__name__}: {error}"
        raise PluginError(words) from error


def examine(subject: Subject, checks: Sequence[Check]) -> list[Finding]:
    """The findings of these checks, in their order.

    Raises:
        PluginError: a check failed or gave something else than findings.
    """
    found: list[Finding] = []
    for check in checks:
        try:
            answer = list(check.run(subject))
        except MmxError:
            raise
        except Exception as error:
            if check.id in OWN:
                raise
            raise PluginError(
                f"the check {check.id} failed: {type(error).__name__}: {error}"
            ) from error
        strange = [one for one in answer if not isinstance(one, Finding)]
        if strange:
            raise PluginError(f"the check {check.id} gave {strange[0]!r}, which is no Finding")
        found += answer
    return found
