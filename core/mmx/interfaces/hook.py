"""Hooks: what watches one run, adds checks to its audit or sections to its report."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

from pydantic import Field

from mmx.interfaces.params import Params

Section = tuple[str, str]
"""Title and HTML of a section of the report, which must work offline and without scripts."""


class RunDescription(Protocol):
    """What a hook may ask of the spec of a run."""

    name: str

    def resolved(self) -> dict[str, Any]:
        """Plain data with every default filled in."""
        ...

    def to_yaml(self) -> str:
        """The same as YAML."""
        ...


class HookParams(Params):
    """Settings of a hook."""

    kind: ClassVar[str] = "hook"

    required: bool = Field(default=False, description="end the run when the hook fails")

    @abstractmethod
    def build(self) -> "Hook":
        """Build the hook of one run; every run gets an instance of its own."""


class Hook:
    """Watches one run; every method may be left out.

    The methods are called in the order in which they stand here, by the first process of a run
    alone. What they are given is a copy. A run that has ``started`` ends with one call of
    ``finished``, ``failed`` or ``stopped``, unless it is killed.

    A method that raises is told in the terminal and in the report, with its file and line, and
    the run goes on; with ``required: true`` the run ends. ``audit_checks`` is the exception: an
    audit without a check that the spec asks for would be another audit, so the run ends.
    """

    def audit_checks(self) -> Sequence[object]:
        """Further checks of the audit, each an `mmx.Check`; the run has no folder yet."""
        return ()

    def started(self, folder: Path, spec: RunDescription) -> None:
        """A run begins, or goes on after it was stopped.

        On disk: spec.yaml, resolved.yaml, environment.json, audit.json, split.csv, and of a run
        that goes on its checkpoint.

        Args:
            folder: of the run; files of a hook belong into its folder ``hooks``.
            spec: that it runs.
        """

    def epoch_ended(self, folder: Path, epoch: int, values: Mapping[str, float]) -> None:
        """An epoch is over; its line stands in events.jsonl, its checkpoint is yet to be written.

        Where epochs are short not each has a checkpoint. A run that was killed goes on from its
        last one, and tells the epochs since then again.

        Args:
            folder: of the run.
            epoch: from 1.
            values: losses, validation scores, learning rates and speeds by name.
        """

    def report_sections(self, folder: Path, metrics: Mapping[str, object]) -> Sequence[Section]:
        """Further sections of the report, which is written next.

        On disk: the model, predictions.parquet and metrics.json as well.

        Args:
            folder: of the run.
            metrics: as in metrics.json.
        """
        return ()

    def finished(self, folder: Path, metrics: Mapping[str, object]) -> None:
        """The run is complete: report.html and finished.json are there, with all checksums.

        Args:
            folder: of the run; only its folder ``hooks`` may still be written to.
            metrics: as in metrics.json.
        """

    def failed(self, folder: Path, error: BaseException) -> None:
        """The run ends with an error; what it wrote so far is on disk, and finished.json is not.

        Args:
            folder: of the run.
            error: that ends it, also that of a required hook.
        """

    def stopped(self, folder: Path) -> None:
        """Ctrl-C or SIGTERM ends the run; its last checkpoint is on disk, and it can go on.

        Args:
            folder: of the run.
        """


MOMENTS = (
    "audit_checks", "started", "epoch_ended", "report_sections", "finished", "failed", "stopped",
)  # fmt: skip
"""Names of the methods of a hook, in the order in which they are called."""
