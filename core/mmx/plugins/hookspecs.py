"""Functions that the module of a plugin may hold, each marked with ``hookimpl``.

API 2 knows ``mmx_components`` alone. The life-cycle functions are those of API 1, which
`mmx.plugins.api1` turns into a hook; new code derives from `mmx.Hook`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from mmx.interfaces import Params, RunDescription

Metrics = Mapping[str, object]
Sections = Sequence[tuple[str, str]]

hookspec = pluggy.HookspecMarker("mmx")
hookimpl = pluggy.HookimplMarker("mmx")
"""Marks ``mmx_components``, the one function by which a module gives its methods."""


@hookspec
def mmx_components() -> "Sequence[type[Params]]":  # type: ignore[empty-body]
    """Give the Params classes of the methods that this module provides."""


@hookspec
def mmx_run_started(run_path: Path, spec: "RunDescription") -> None:
    """API 1: a run begins or resumes; its folder exists and holds the spec."""


@hookspec
def mmx_epoch_ended(run_path: Path, epoch: int, values: Mapping[str, float]) -> None:
    """API 1: an epoch (from 1) is over; values are losses, scores, rates, speeds by name."""


@hookspec
def mmx_run_finished(run_path: Path, metrics: Metrics) -> None:
    """API 1: a run is complete; metrics are those of its metrics.json."""


@hookspec
def mmx_audit_checks() -> Sequence[object]:  # type: ignore[empty-body]
    """API 1: give further checks of the audit, a list of `mmx.Check`."""


@hookspec
def mmx_report_sections(run_path: Path, metrics: Metrics) -> Sections:  # type: ignore[empty-body]
    """API 1: give further sections of a run's report: title and HTML, which must work offline."""
