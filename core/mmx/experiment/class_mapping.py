"""Targets of labelled rows as a finished run counts its classes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mmx.data import Manifest
from mmx.errors import DataError
from mmx.inference import TrainedRun


@dataclass(frozen=True, slots=True)
class ClassMapping:
    """Which class of a run a label of other data means.

    Attributes:
        names: label in the data -> class of the run; a label that is not here keeps its name.
        drop_unknown: leave out rows whose label the run does not know.
    """

    names: Mapping[str, str]
    drop_unknown: bool = False

    def targets(self, trained: TrainedRun, manifest: Manifest) -> tuple[Tensor, list[str]]:
        """[n, ...], targets as the task of the run makes them; and sentences on what is left out.

        Raises:
            DataError: labels that the run does not know, or a mapping that does not fit.
        """
        task = trained.task
        if trained.spec.task.exclusive:
            return self._of_classes(manifest, task.names)
        if self.names:
            raise DataError("--class maps classes, and the rows of this run have no one class each")
        there = manifest.task.names
        if there != task.names:
            raise DataError(
                f"the run knows {', '.join(task.names)}; the data has {', '.join(there)}"
            )
        return torch.from_numpy(manifest.targets), _without_label(manifest)

    def _of_classes(self, manifest: Manifest, classes: tuple[str, ...]) -> tuple[Tensor, list[str]]:
        """[n], labels in the order of the run's classes, -1 where unknown; and what is left out."""
        there = manifest.task.names
        self._check(classes, there)
        known = [self.names.get(name, name) for name in there]
        told = ", ".join(
            f"{name} ({count})"
            for name, count in sorted(_counts(manifest).items())
            if self.names.get(name, name) not in classes
        )
        if told and not self.drop_unknown:
            raise DataError(
                f"the run knows the classes {', '.join(classes)}; the data has {told} too. Say "
                "which class such a label means with --class NEW=OLD, or leave these rows out with "
                "--drop-unknown"
            )
        numbers = [classes.index(name) if name in classes else -1 for name in known]
        notes = [f"rows of classes that the run does not know are left out: {told}"] if told else []
        targets = torch.tensor([*numbers, -1])[torch.from_numpy(manifest.targets)]
        return targets, [*notes, *_without_label(manifest)]

    def _check(self, classes: tuple[str, ...], there: tuple[str, ...]) -> None:
        words = "NEW=OLD names the label of this data first, and then the class of the run"
        for new, old in self.names.items():
            if new not in there:
                raise DataError(
                    f"no row has the label {new!r}; there are {', '.join(there)}. {words}"
                )
            if old not in classes:
                raise DataError(
                    f"the run has no class {old!r}; it has {', '.join(classes)}. {words}"
                )


def _counts(manifest: Manifest) -> dict[str, int]:
    """Rows of each class that the data hold."""
    labels = np.unique(manifest.targets).tolist()
    names = manifest.task.names
    return {names[one]: int((manifest.targets == one).sum()) for one in labels if one >= 0}


def _without_label(manifest: Manifest) -> list[str]:
    bare = int((~manifest.known).sum())
    told = f"{bare} of {len(manifest)} rows have no label and are left out of the scores"
    return [told] if bare else []
