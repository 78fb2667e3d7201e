"""All checks on the data of a spec, as a page, a file and a summary."""

import time
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from mmx.audit import Check, Finding, all_checks, examine
from mmx.errors import RunError
from mmx.experiment.auditing import AuditResult, keep_findings, waivers
from mmx.experiment.pages import thumbnail
from mmx.pipeline import PreparedData, heard, open_hooks, prepare, stage, subject_of
from mmx.report import AuditPage, ShownSample, render_audit
from mmx.runs import Observer, write_json, write_text
from mmx.spec import Spec

PAGE, FACTS = "audit.html", "audit.json"
_SHOWN = 3  # rows named in a sentence


def audit_spec(
    spec: Spec, *, out: str | Path | None = None, observer: Observer | None = None
) -> AuditResult:
    """Look for leaks and faults in the data of a spec with every check; nothing is trained.

    Args:
        spec: what ``load_spec`` gave.
        out: folder for audit.html and audit.json; None: ``NAME-audit`` in the working folder.
        observer: is told how far it has come.

    Raises:
        MmxError: data that cannot be used, a waiver of no check, or a folder that cannot be made.
    """
    observer = heard(observer)
    checks = all_checks(open_hooks(spec, observer))
    waived = waivers(spec, checks)
    prepared = prepare(spec, observer)
    for told_of in _unusable(prepared):
        observer.message(told_of)
    subject, found = subject_of(spec, prepared), list[Finding]()
    with stage(observer, "audit", "checks") as told:
        for done, check in enumerate(checks, start=1):
            found += examine(subject, [check])
            told(done, len(checks))
    keep_findings(spec, prepared, checks, found, observer)
    folder = Path(out) if out is not None else Path(f"{spec.name}-audit")
    audited = AuditResult(tuple(found), waived, folder=folder)
    _write(folder, spec, prepared, checks, audited)
    return audited


def _write(
    folder: Path, spec: Spec, prepared: PreparedData, checks: list[Check], audited: AuditResult
) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder} cannot be made: {error}; name another one with --out") from error
    facts = {"name": spec.name, "data": prepared.digests, "checks": [one.id for one in checks]}
    told = {"notes": _notes(prepared)}
    write_json(folder / FACTS, {**facts, **audited.to_json(), **told})
    write_text(folder / PAGE, render_audit(_page(spec, prepared, checks, audited)))


def _page(
    spec: Spec, prepared: PreparedData, checks: list[Check], audited: AuditResult
) -> AuditPage:
    manifest = prepared.manifest
    parts = {str(part): len(prepared.split.rows(str(part))) for part in _parts(prepared)}
    return AuditPage(
        name=spec.name,
        group=manifest.facts.group,
        samples=len(manifest),
        groups=len(set(manifest.groups.tolist())),
        classes=len(manifest.task.names),
        parts=parts,
        checks=[(check.id, check.finds) for check in checks],
        findings=[(audited.counts(one), one) for one in audited.findings],
        waivers=dict(audited.waived),
        notes=_notes(prepared),
        shown=_shown(prepared, audited.findings),
        labels=len(manifest.strata) > 1,
        created=time.strftime("%Y-%m-%d %H:%M"),
        version=version("mmx"),
    )


def _notes(prepared: PreparedData) -> list[str]:
    """What a user must know of the rows, the same in the file and on the page."""
    return [*prepared.manifest.notes, *_unusable(prepared), *prepared.notes]


def _unusable(prepared: PreparedData) -> list[str]:
    """A sentence on rows that no run can use; a run tells them in its data report."""
    manifest = prepared.manifest
    if not manifest.rejected:
        return []
    rows = len(manifest) + len(manifest.dataset.rejected())
    told = "; ".join(f"{one.row}: {one.reason}" for one in manifest.rejected[:_SHOWN])
    more = len(manifest.rejected) - _SHOWN
    return [
        f"{len(manifest.rejected)} of {rows} rows cannot be used ({told}"
        f"{f'; and {more} more' if more > 0 else ''})"
    ]


def _parts(prepared: PreparedData) -> list[str]:
    return list(dict.fromkeys(prepared.split.parts.tolist()))


def _shown(
    prepared: PreparedData, findings: Iterable[Finding]
) -> dict[tuple[str, str], ShownSample]:
    """Thumbnail, part and label of every sample that a finding shows, by its modality and id."""
    manifest = prepared.manifest
    wanted = {(one.modality, id) for one in findings for line in one.pictures for id in line}
    rows = {str(id): row for row, id in enumerate(manifest.ids.tolist())}
    wanted = {(name, id) for name, id in wanted if id in rows}
    places = sorted({rows[id] for _, id in wanted})
    words = dict(zip(places, manifest.task.words(manifest.targets[places]), strict=True))
    return {
        (name, id): ShownSample(
            image=thumbnail(prepared.pictures.get(name, prepared.images), rows[id]),
            part=str(prepared.split.parts[rows[id]]),
            label=str(words[rows[id]]),
            group=str(manifest.groups[rows[id]]),
        )
        for name, id in sorted(wanted)
    }
