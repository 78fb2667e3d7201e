"""What studies there are, and how far they have come."""

from dataclasses import dataclass
from pathlib import Path

from mmx.study.study_folder import all_studies


@dataclass(frozen=True, slots=True)
class StudyListing:
    """One study.

    Attributes:
        name: of the study.
        arms: how many are planned, later ones too.
        finished: runs that have a result.
        failed: runs whose last attempt failed.
        written: when it was planned.
        path: its folder.
    """

    name: str
    arms: int
    finished: int
    failed: int
    written: str
    path: Path


def list_studies() -> list[StudyListing]:
    """Every study in the folder of the runs, by name."""
    found = []
    for folder in all_studies():
        plan = folder.plan or {}
        last = {(one.arm, one.seed, one.fold, one.identity): one for one in folder.entries()}
        done = sum(not one.error for one in last.values())
        arms = len(plan.get("arms", {})) + len(plan.get("later", {}))
        written = str(plan.get("written", ""))
        found.append(
            StudyListing(folder.path.name, arms, done, len(last) - done, written, folder.path)
        )
    return found
