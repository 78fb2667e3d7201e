"""A check, and how all of them are found and asked."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module

from mmx.audit.finding import Finding
from mmx.audit.over_labels import over_labels
from mmx.audit.subject import Scope, Subject
from mmx.errors import MmxError, PluginError
from mmx.runs import Hooks

OWN = (
    "group_overlap", "wider_group", "identical_images", "near_identical_images", "label_words",
    "text_tells_label", "few_templates", "telling_columns", "file_traces", "border_shortcut",
    "repeated_text", "small_classes", "empty_modality", "unread_record", "leak_columns",
    "narrow_range",
)  # fmt: skip
"""Checks that ship with mmx, in the order in which they are told; each is a module."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check, as the method ``audit_checks`` of a hook gives it.

    Attributes:
        id: as it stands in findings and in ``audit.waive``.
        finds: what it looks for, in one line.
        run: from a subject to findings; an empty sequence when all is well.
        short: quick enough to be part of every run.
        scope: the rows as a whole; or images or texts, whose modalities are then shown to the
            check one at a time.
        by_label: whether it reads labels: where each row has several, it is asked about each of
            them, and what it finds is told together. Else it is asked once, about all rows of
            which any label is known.
    """

    id: str
    finds: str
    run: Callable[[Subject], Sequence[Finding]]
    short: bool = False
    scope: Scope = "rows"
    by_label: bool = True


def all_checks(hooks: Hooks | None = None) -> list[Check]:
    """Our checks and those that the hooks of a spec give.

    Args:
        hooks: of the spec; None for our checks alone.

    Raises:
        PluginError: a hook fails, gives something that is no check, or an id twice.
    """
    own: list[Check] = [import_module(f"mmx.audit.checks.{name}").CHECK for name in OWN]
    found = own + ([] if hooks is None else sorted(_given(hooks), key=lambda check: check.id))
    ids = [check.id for check in found]
    for id in ids:
        if ids.count(id) > 1:
            raise PluginError(f"two checks of the audit are called {id!r}; rename one of them")
    return found


def _given(hooks: Hooks) -> Iterator[Check]:
    for check in hooks.audit_checks():
        if not isinstance(check, Check):
            raise PluginError(f"audit_checks() must return a list of mmx.Check, not {check!r}")
        yield check


def examine(subject: Subject, checks: Sequence[Check]) -> list[Finding]:
    """The findings of these checks, in their order.

    Raises:
        PluginError: a check failed or gave something else than findings.
    """
    return [
        replace(one, message=f"{name}: {one.message}", modality=name) if name else one
        for check in checks
        for name, shown in subject.views(check.scope).items()
        for one in _found(check, shown)
    ]


def _found(check: Check, subject: Subject) -> list[Finding]:
    """What one check finds, about each label or about the rows."""
    if check.by_label:
        return over_labels(subject, partial(_asked, check))
    return _asked(check, subject)


def _asked(check: Check, subject: Subject) -> list[Finding]:
    """What one check finds."""
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
    return answer
