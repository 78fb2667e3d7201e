"""The hooks of mmx: what a plugin may implement. A hook is a signature with a docstring."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from mmx.interfaces import Params
    from mmx.spec import Spec

Metrics = Mapping[str, object]
Sections = Sequence[tuple[str, str]]

hookspec = pluggy.HookspecMarker("mmx")
hookimpl = pluggy.HookimplMarker("mmx")


@hookspec
def mmx_components() -> "Sequence[type[Params]]":  # type: ignore[empty-body]
    """Give the Params classes of the methods that this module provides."""


@hookspec
def mmx_run_started(run_path: Path, spec: "Spec") -> None:
    """A run begins or resumes; its folder exists and holds the spec."""


@hookspec
def mmx_epoch_ended(run_path: Path, epoch: int, values: Mapping[str, float]) -> None:
    """An epoch (from 1) is over; values are losses, validation scores, rates, speeds by name."""


@hookspec
def mmx_run_finished(run_path: Path, metrics: Metrics) -> None:
    """A run is complete; metrics are those of its metrics.json."""


@hookspec
def mmx_audit_checks() -> Sequence[object]:  # type: ignore[empty-body]
    """Give further checks of the audit, a list of `mmx.Check`."""


@hookspec
def mmx_report_sections(run_path: Path, metrics: Metrics) -> Sections:  # type: ignore[empty-body]
    """Give further sections of a run's report: title and HTML, which must work offline."""
