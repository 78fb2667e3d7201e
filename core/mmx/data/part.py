"""One part of a split, ready to be cut into batches."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from mmx.data.manifest import Manifest
from mmx.data.split import Split
from mmx.errors import DataError
from mmx.interfaces import Batch, Inputs


class Source(Protocol):
    """Gives what one encoder reads of rows, or what it or its frozen backbone made of them."""

    def collate(self, rows: Sequence[int]) -> Inputs:
        """Of these rows of the manifest, in the order asked for."""
        ...


class Part:
    """Rows of one part, what each encoder reads of them or its cached features.

    Attributes:
        sources: where the inputs of each modality come from, by its name, in the order of the spec.
        rows: [n], rows of the manifest.
        labels: [n, ...], targets, as the task knows them.
        groups: [n], lesion, patient or study of each row.
    """

    def __init__(
        self,
        rows: Sequence[int],
        sources: Mapping[str, Source],
        labels: Tensor,
        groups: Sequence[str],
    ) -> None:
        self.rows = np.asarray(rows, dtype=np.int64)
        self.labels, self.groups = torch.as_tensor(labels), tuple(groups)
        self.sources = dict(sources)
        if not len(self.rows) == len(self.labels) == len(self.groups):
            raise DataError(
                f"a part of {len(self.rows)} rows needs as many labels and groups, "
                f"got {len(self.labels)} and {len(self.groups)}"
            )

    def __len__(self) -> int:
        """Rows in this part."""
        return len(self.rows)

    def batch(self, positions: Sequence[int]) -> tuple[Batch, Tensor]:
        """The batch and target [B, ...] of places 0..n-1 in this part, in the order asked for."""
        rows = self.rows[np.asarray(positions, dtype=np.int64)].tolist()
        inputs = {name: source.collate(rows) for name, source in self.sources.items()}
        batch = Batch(
            inputs=inputs,
            present=torch.stack([one.present for one in inputs.values()], dim=1),
            group=tuple(self.groups[index] for index in positions),
        )
        return batch, self.labels[torch.as_tensor(positions, dtype=torch.int64)]


def part_of(manifest: Manifest, split: Split, part: str, sources: Mapping[str, Source]) -> Part:
    """The part of a split with this name."""
    rows = split.rows(part)
    labels = torch.from_numpy(manifest.targets[rows])
    return Part(rows.tolist(), sources, labels, manifest.groups[rows].tolist())
