"""What a finished run says of the simpler models beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mmx.experiment.frozen_probe import PROBE, FrozenProbe
from mmx.experiment.zero_shot import ZeroShot


@dataclass(frozen=True, slots=True)
class ControlNote:
    """What is said of one simpler model.

    Attributes:
        note: sentences on what it read and chose.
        missing: why there is none; empty where there is one.
    """

    note: str
    missing: str


def control_notes(metrics: Mapping[str, Any]) -> dict[str, ControlNote]:
    """By name, as tables call it: the probe, and the comparison with names of classes.

    Args:
        metrics: of a run, as metrics.json holds them.
    """
    compared = metrics.get("zero_shot", {}).items()
    found = [ZeroShot.from_json(name, told) for name, told in compared]
    notes = {one.title: ControlNote(one.note, one.missing) for one in found}
    if "probe" in metrics:  # runs of older versions have none
        probe = FrozenProbe.from_json(metrics["probe"])
        notes = {PROBE: ControlNote(probe.note, probe.missing), **notes}
    return notes
