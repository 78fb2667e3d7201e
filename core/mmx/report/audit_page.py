"""The page of an audit: a table of all checks, then each finding with its evidence."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mmx.audit import Evidence, Finding
from mmx.report.environment import environment
from mmx.report.explained import data_address

ORDER = ("error", "waived", "warning", "note")
CLEAN = "nothing found"


@dataclass(frozen=True, slots=True)
class ShownSample:
    """A sample beside its picture.

    Attributes:
        image: a PNG or JPEG file; None when it has none.
        part: of the split.
        label: class name; empty when it is unknown.
        group: of the sample.
    """

    image: bytes | None
    part: str
    label: str
    group: str


@dataclass(frozen=True, slots=True)
class AuditPage:
    """All that ``render_audit`` prints.

    Attributes:
        name: of the spec.
        group: what a group is called.
        samples: rows.
        groups: how many.
        classes: how many, or how many labels.
        labels: whether they are labels, of which a sample may have several.
        parts: part to rows.
        checks: id and what it finds.
        findings: what each counts as (its verdict, or "waived"), and the finding.
        waivers: id of a check to the written reason.
        notes: sentences on how the rows were read.
        shown: samples whose pictures are shown, by modality (empty where there is one) and id.
        created: date and time.
        version: of mmx.
    """

    name: str
    group: str
    samples: int
    groups: int
    classes: int
    parts: Mapping[str, int]
    checks: Sequence[tuple[str, str]]
    findings: Sequence[tuple[str, Finding]]
    waivers: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    shown: Mapping[tuple[str, str], ShownSample] = field(default_factory=dict)
    labels: bool = False
    created: str = ""
    version: str = ""


def render_audit(page: AuditPage) -> str:
    """One HTML document that opens offline; all text is escaped."""
    ordered = sorted(page.findings, key=lambda pair: ORDER.index(pair[0]))
    found = [
        {
            "counts": counts,
            "finding": one,
            "tables": [_table(lines) for lines in (one.labels, one.evidence) if lines],
            "lines": [[_pictured(page, one, id) for id in line] for line in one.pictures],
        }
        for counts, one in ordered
    ]
    several = Counter(one.check for _, one in ordered)
    names = {
        f"found-{place}": f"{one.check}: {one.about}" if several[one.check] > 1 else one.check
        for place, (_, one) in enumerate(ordered, start=1)
    }
    told = [("rows", "How the rows were read")] if page.notes else []
    return (
        environment()
        .get_template("audit.html.j2")
        .render(
            page=page,
            counts={word: sum(one == word for one, _ in ordered) for word in ORDER},
            worst=_worst(page),
            found=found,
            contents=[("result", "All checks"), *names.items(), *told],
        )
    )


def _table(lines: Sequence[Evidence]) -> dict[str, Any]:
    """Heads and cells; a line that lacks a column leaves its cell empty."""
    heads = list(dict.fromkeys(name for line in lines for name in line))
    return {"heads": heads, "cells": [[line.get(name, "") for name in heads] for line in lines]}


def _worst(page: AuditPage) -> dict[str, str]:
    """The gravest verdict of each check."""
    found = {check: CLEAN for check, _ in page.checks}
    for word in reversed(ORDER):
        found |= {one.check: word for counts, one in page.findings if counts == word}
    return found


def _pictured(page: AuditPage, finding: Finding, id: str) -> dict[str, Any]:
    shown = page.shown.get((finding.modality, id), ShownSample(None, "", "", ""))
    return {"id": id, "address": data_address(shown.image), "shown": shown}
