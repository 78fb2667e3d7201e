"""A finding for one column from which a class can be told."""

from collections.abc import Callable, Iterator

from mmx.audit import probe
from mmx.audit.certain import certain
from mmx.audit.finding import Finding
from mmx.audit.probe_columns import Column
from mmx.audit.subject import Subject
from mmx.audit.traces import SPREAD, SURE, Trace, code_scores, one_against_rest

_RECORD, _YOUDEN = 0.75, 0.5
_SHOWN = 3


def telling(subject: Subject, one: Column, check: str, advice: str) -> Iterator[Finding]:
    """A warning when a column that should tell nothing tells a class, or one of its values does.

    Args:
        subject: the rows.
        one: the column.
        check: id of the check that asks.
        advice: what to do about it.
    """
    yield from _judged(subject, one, check, advice, lambda trace: trace.tells(SPREAD))


def telling_field(subject: Subject, one: Column, check: str, advice: str) -> Iterator[Finding]:
    """The same for a field of the record, which may tell something in earnest, as age does."""

    def counts(trace: Trace) -> bool:
        return trace.tells(_RECORD) or (trace.p <= SURE and trace.youden >= _YOUDEN)

    yield from _judged(subject, one, check, advice, counts)


def told(subject: Subject, trace: Trace) -> str:
    """A trace in words: ``melanoma is told from the rest with an AUROC of 0.93``."""
    name = subject.classes[trace.label]
    what = f"a level above {name}" if trace.above else name
    rest = subject.classes[0] if len(subject.classes) == 2 else "the rest"
    return f"{what} is told from {rest} with an AUROC of {trace.auroc:.2f}"


def _judged(
    subject: Subject, one: Column, check: str, advice: str, counts: Callable[[Trace], bool]
) -> Iterator[Finding]:
    if (one.codes == one.codes[:1]).all():
        return
    traces = one_against_rest(subject, code_scores(subject, one.codes))
    clear, sure = [trace for trace in traces if counts(trace)], certain(subject, one)
    if not clear and not sure:
        return
    words = [*(told(subject, trace) for trace in clear[:_SHOWN]),
             *(value.words(subject) for value in sure[:_SHOWN])]  # fmt: skip
    predicted = probe.frequent(subject, one.codes)
    score = probe.score(subject, predicted, f"one column: {one.name}", traces)
    message = f"{one.name!r} tells the label: {'; '.join(words)}; {advice}"
    evidence = tuple(value.evidence(subject) for value in sure)
    yield Finding(check, "warning", message, evidence, score=score, about=one.name)
