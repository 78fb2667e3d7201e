"""Manifests made of plain columns."""

from collections.abc import Callable, Sequence

import pytest

from mmx import Dataset, Sample
from mmx.data import Manifest, read_manifest
from mmx.interfaces import Facts, RejectedRow
from mmx_plugins.tasks.single_label import SingleLabelParams


class Rows(Dataset):
    """A data set from ready samples."""

    def __init__(
        self,
        samples: Sequence[Sample],
        classes: Sequence[str],
        rejected: Sequence[RejectedRow] = (),
        facts: Facts | None = None,
    ) -> None:
        self.classes, self.facts = tuple(classes), facts or Facts()
        self._samples, self._rejected = samples, rejected

    def samples(self) -> Sequence[Sample]:
        return self._samples

    def rejected(self) -> Sequence[RejectedRow]:
        return self._rejected


@pytest.fixture(scope="session")
def rows() -> type[Rows]:
    """The class Rows(samples, classes, rejected, facts)."""
    return Rows


@pytest.fixture(scope="session")
def manifest_of() -> Callable[..., Manifest]:
    """manifest_of(groups, labels): one sample per pair; a label of -1 is unknown."""

    def build(groups: Sequence[int], labels: Sequence[int]) -> Manifest:
        names = [f"class-{one}" for one in range(max(labels, default=0) + 1)]
        samples = [
            Sample(f"s{row:05d}", f"g{group}", label=names[label] if label >= 0 else None)
            for row, (group, label) in enumerate(zip(groups, labels, strict=True))
        ]
        return read_manifest(Rows(samples, names), max_bad=1.0, task=SingleLabelParams())

    return build
