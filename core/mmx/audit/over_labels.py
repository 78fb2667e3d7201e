"""One question about each of several labels, and one finding about all of them."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from mmx.audit.finding import SHOWN, Evidence, Finding
from mmx.audit.subject import Subject

_VERDICTS = ("error", "warning", "note")  # the gravest first
_NAMED, _PICTURES = 10, 12
_FEWEST = 3  # lines of evidence of each label

Labelled = tuple[str, Finding]
"""The name of a label, and what was found for it."""


def over_labels(subject: Subject, find: Callable[[Subject], Sequence[Finding]]) -> list[Finding]:
    """What is found, told together for all labels.

    Findings about the same thing are one, with the words of the label for which it is clearest, a
    table of the labels, and the evidence of each. What is the same for every label is told once.

    Args:
        subject: the rows.
        find: is asked about each label, and is shown no other one.
    """
    shown = subject.by_label
    found = [(one.label_name, finding) for one in shown for finding in find(one)]
    if not any(name for name, _ in found):
        return [finding for _, finding in found]
    about: dict[tuple[str, str], list[Labelled]] = {}
    for name, finding in found:
        about.setdefault((finding.check, finding.about), []).append((name, finding))
    return [told for one in about.values() for told in _together(one, len(shown))]


def _together(found: Sequence[Labelled], labels: int) -> list[Finding]:
    first = found[0][1]
    if len(found) == labels > 1 and all(one == first for _, one in found):
        return [first]  # it does not depend on the label
    ordered = sorted(found, key=lambda pair: _order(pair[1]))
    names = list(dict.fromkeys(name for name, _ in ordered))
    strongest = ordered[0][1]
    pictures = dict.fromkeys(line for _, one in ordered for line in one.pictures)
    return [
        replace(
            strongest,
            message=f"{_whose(names, labels)}: {strongest.message}",
            evidence=_evidence(ordered),
            pictures=tuple(pictures)[:_PICTURES],
            labels=tuple(_line(name, one) for name, one in ordered) if len(found) > 1 else (),
        )
    ]


def _order(finding: Finding) -> tuple[int, float]:
    """The gravest first, then the one whose score is surely high."""
    sure = finding.score.low if finding.score else 0.0
    return _VERDICTS.index(finding.verdict), -sure


def _whose(names: Sequence[str], labels: int) -> str:
    if len(names) == 1:
        return names[0]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    listed = ", ".join(names[:_NAMED])
    many = f"all {labels}" if len(names) == labels else f"{len(names)} of {labels}"
    return f"{many} labels ({listed}{more}), {names[0]} most clearly"


def _evidence(ordered: Sequence[Labelled]) -> tuple[Evidence, ...]:
    """The first lines of each label, so that the clearest one does not fill the table."""
    most = max(SHOWN // len(ordered), _FEWEST)
    lines = [{"label": name, **line} for name, one in ordered for line in one.evidence[:most]]
    return tuple(lines[:SHOWN])


def _line(name: str, finding: Finding) -> Evidence:
    """A label in the table of labels."""
    start: dict[str, str | float] = {"label": name, "verdict": finding.verdict}
    score = finding.score
    if score is None:
        return {**start, "finding": finding.message}
    auroc = {} if score.auroc is None else {"AUROC": f"{score.auroc:.2f}"}
    return {
        **start,
        "balanced accuracy": f"{score.value:.2f}",
        "95 % interval": f"{score.low:.2f} to {score.high:.2f}",
        **auroc,
        "samples": score.samples,
        "groups": score.groups,
    }
