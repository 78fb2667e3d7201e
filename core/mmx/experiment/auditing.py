"""The audit of a spec's data: its short form inside every run, and all of it on request."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from mmx.audit import Check, Finding, Subject, all_checks, examine, like_a_group
from mmx.data import Manifest
from mmx.errors import MmxError
from mmx.files import Hold, keep, own_folder, recall
from mmx.pipeline import (
    PreparedData,
    cache_folder,
    fields_read,
    sources_used,
    subject_of,
    text_fields,
    unread,
)
from mmx.plugins import Code, core_code, file_digest, modules_below, nearest
from mmx.runs import Hooks, Observer
from mmx.spec import Spec, names_of


@dataclass(frozen=True, slots=True)
class AuditResult:
    """The findings of an audit, with the waivers that stood in the spec.

    Attributes:
        findings: in the order of the checks.
        waived: id of a check -> written reason.
        cached: whether an earlier audit of the same data had found them.
        folder: where audit.html and audit.json were written; None for the short form.
    """

    findings: tuple[Finding, ...]
    waived: Mapping[str, str]
    cached: bool = False
    folder: Path | None = None

    @property
    def errors(self) -> list[Finding]:
        """Errors that no waiver accepts."""
        return [one for one in self.findings if self.counts(one) == "error"]

    def counts(self, finding: Finding) -> str:
        """The verdict of a finding; "waived" for an error that the spec accepts."""
        accepted = finding.verdict == "error" and finding.check in self.waived
        return "waived" if accepted else finding.verdict

    @property
    def alerts(self) -> list[str]:
        """Sentences for the top of a report: what was found and waived."""
        found = [one for one in self.findings if self.counts(one) == "waived"]
        return [f"Waived finding of {one.check}: {one.message}." for one in found]

    @property
    def notes(self) -> list[str]:
        """Sentences that stand beside the results."""
        return [
            f"Audit, {one.check}: {one.message}."
            for one in self.findings
            if one.verdict == "warning"
        ]

    def to_json(self) -> dict[str, object]:
        """Plain data for a JSON file."""
        findings = [{**one.to_json(), "counts": self.counts(one)} for one in self.findings]
        return {"errors": len(self.errors), "waived": dict(self.waived), "findings": findings}


def short_audit(
    spec: Spec, prepared: PreparedData, hooks: Hooks, observer: Observer
) -> AuditResult:
    """The quick checks, or what they, or all checks, found before on the same data.

    The border of the images is looked at where their pixels are at hand.

    Raises:
        MmxError: an error that the spec does not waive, or a waiver of no check.
    """
    checks = all_checks(hooks)
    waived = waivers(spec, checks)
    whole = _recall(_file(spec, prepared, checks))  # of an earlier `mmx audit`
    short = [check for check in checks if check.short]
    file = _file(spec, prepared, short)
    with _alone(file, observer):  # several workers of a study ask for the same data at once
        findings = _recall(file) if whole is None else whole
        cached = findings is not None
        if findings is None:
            observer.message("auditing the data for leaks")
            findings = examine(_at_hand(spec, prepared), short)
            keep(file, {"findings": [one.to_json() for one in findings]})
    audited = AuditResult(tuple(findings), waived, cached)
    if audited.errors:
        raise MmxError(refusal(audited.errors))
    return audited


def keep_findings(
    spec: Spec,
    prepared: PreparedData,
    checks: Sequence[Check],
    findings: Sequence[Finding],
    observer: Observer,
) -> None:
    """Keep what these checks found, so that runs on the same data repeat it."""
    file = _file(spec, prepared, checks)
    with _alone(file, observer):
        keep(file, {"findings": [one.to_json() for one in findings]})


def _at_hand(spec: Spec, prepared: PreparedData) -> Subject:
    """The rows, without pictures that would have to be decoded."""
    subject = subject_of(spec, prepared)
    images = {
        name: one if prepared.pictures[name].decoded else replace(one, pictures=None)
        for name, one in subject.images.items()
    }
    shown = subject.pictures if prepared.images.decoded else None
    return replace(subject, pictures=shown, images=images)


def _file(spec: Spec, prepared: PreparedData, checks: Sequence[Check]) -> Path:
    return cache_folder(spec.data) / "audit" / f"{_key(spec, prepared, checks)}.json"


def waivers(spec: Spec, checks: Sequence[Check]) -> dict[str, str]:
    """What the spec waives.

    Raises:
        MmxError: there is no such check, or no reason is written.
    """
    ids = [check.id for check in checks]
    for name, reason in spec.audit.waive.items():
        if name not in ids:
            meant = nearest(name, ids)
            hint = f"nearest: {meant}" if meant else f"checks: {', '.join(ids)}"
            raise MmxError(f"audit.waive: there is no check {name!r}; {hint}")
        if not reason.strip():
            raise MmxError(f"audit.waive.{name}: write the reason why its finding is accepted")
    return dict(spec.audit.waive)


def refusal(errors: Sequence[Finding]) -> str:
    """The words that stop a run: what was found, and the lines that would accept it."""
    told = "\n".join(f"  {one.check}: {one.message}" for one in errors)
    ids = dict.fromkeys(one.check for one in errors)
    lines = ", ".join(f'{name}: "written reason"' for name in ids)
    noun = "an error" if len(errors) == 1 else f"{len(errors)} errors"
    return (
        f"the audit found {noun} in the data, and nothing was trained:\n{told}\n"
        "mend the data (mmx audit SPEC shows the samples); or, if you know why this is "
        "right, accept it in the spec, and every report will say so:\n"
        f"  audit: {{waive: {{{lines}}}}}"
    )


def _key(spec: Spec, prepared: PreparedData, checks: Sequence[Check]) -> str:
    """Digest of all that the findings depend on."""
    manifest = prepared.manifest
    order = hashlib.sha256("\0".join(map(str, manifest.ids)).encode()).hexdigest()
    hooks = [[hook.model_dump_json(), sources_used(hook, spec.plugins)] for hook in spec.hooks]
    facts = {
        "data": prepared.digests, "order": order, "facts": repr(manifest.facts),
        "task": [spec.task.model_dump_json(), sources_used(spec.task, spec.plugins)],
        "label": spec.leaky, "reads": sorted(spec.model.used), "kinds": spec.model.kinds,
        "narrative": names_of(spec.data.narratives), "unread": unread(spec, manifest),
        "record_fields": fields_read(spec, manifest), "texts": text_fields(spec),
        "spare": _spare(manifest),
        "checks": [check.id for check in checks],
        "methods": sources_used(spec.data, spec.plugins), "hooks": hooks,
        "plugins": [file_digest(file) for file in spec.plugin_files], "code": audit_code().digest,
    }  # fmt: skip
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _spare(manifest: Manifest) -> dict[str, str]:
    """Digests of the columns without a role that may be a patient."""
    names = filter(like_a_group, manifest.dataset.spare())
    cells = {name: "\0".join(manifest.dataset.column(name)) for name in names}
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in cells.items()}


@cache
def audit_code() -> Code:
    """The code of the audit; its checks are imported by name."""
    return core_code(["mmx.pipeline.audited_rows", *modules_below("mmx.audit")])


def _recall(file: Path) -> list[Finding] | None:
    """Findings of an earlier audit; None when there is none, or it is damaged."""
    kept = recall(file)
    try:
        return None if kept is None else [Finding.from_json(one) for one in kept["findings"]]
    except (ValueError, KeyError, TypeError):
        return None  # of another version


@contextmanager
def _alone(file: Path, observer: Observer) -> Iterator[None]:
    """The lock of one verdict, whose folder is made."""
    with ExitStack() as stack:
        try:
            own_folder(file.parent)
            stack.enter_context(
                Hold(file.with_suffix(".lock")).later(
                    lambda owner: observer.message(
                        f"waiting for {owner}, which is auditing the same data"
                    )
                )
            )
        except OSError as error:
            raise MmxError(f"{file.parent} cannot be used ({error}); set MMX_CACHE") from error
        yield
