"""One part of a split, ready to be cut into batches."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from mmx.data.manifest import Manifest
from mmx.data.split import Split
from mmx.errors import DataError
from mmx.interfaces import Batch, Features, Images, Texts, Views


@runtime_checkable
class ImageSource(Protocol):
    """Gives the images of rows."""

    def images(self, rows: Sequence[int]) -> Images:
        """The images of these rows of the manifest."""
        ...


@runtime_checkable
class TextSource(Protocol):
    """Gives the texts of rows."""

    def texts(self, rows: Sequence[int]) -> Texts:
        """The texts of these rows of the manifest."""
        ...


@runtime_checkable
class CachedSource(Protocol):
    """Gives what a frozen encoder made of rows."""

    def features(self, rows: Sequence[int]) -> Features:
        """The features of these rows of the manifest."""
        ...


@runtime_checkable
class ViewSource(Protocol):
    """Gives what a frozen backbone made of the views of rows."""

    def views(self, rows: Sequence[int]) -> Views:
        """The features of all views of these rows of the manifest."""
        ...


class Part:
    """Rows of one part, their images and texts or their cached features.

    Attributes:
        rows: [n], rows of the manifest.
        labels: [n], int64; -1 where unknown.
        groups: [n], lesion, patient or study of each row.
    """

    def __init__(
        self,
        rows: Sequence[int],
        image: ImageSource | CachedSource | ViewSource,
        text: TextSource | CachedSource,
        labels: Tensor,
        groups: Sequence[str],
    ) -> None:
        self.rows = np.asarray(rows, dtype=np.int64)
        self.labels, self.groups = torch.as_tensor(labels, dtype=torch.int64), tuple(groups)
        self.image, self.text = image, text
        if not len(self.rows) == len(self.labels) == len(self.groups):
            raise DataError(
                f"a part of {len(self.rows)} rows needs as many labels and groups, "
                f"got {len(self.labels)} and {len(self.groups)}"
            )

    def __len__(self) -> int:
        """Rows in this part."""
        return len(self.rows)

    def batch(self, positions: Sequence[int]) -> tuple[Batch, Tensor]:
        """The batch and target [B] of places 0..n-1 in this part, in the order asked for."""
        rows = self.rows[np.asarray(positions, dtype=np.int64)].tolist()
        image = self._image(rows)
        text = (
            self.text.texts(rows) if isinstance(self.text, TextSource) else self.text.features(rows)
        )
        batch = Batch(
            image=image,
            text=text,
            present=torch.stack([image.present, text.present], dim=1),
            group=tuple(self.groups[place] for place in positions),
        )
        return batch, self.labels[torch.as_tensor(positions, dtype=torch.int64)]

    def _image(self, rows: Sequence[int]) -> Images | Features | Views:
        if isinstance(self.image, ImageSource):
            return self.image.images(rows)
        if isinstance(self.image, CachedSource):
            return self.image.features(rows)
        return self.image.views(rows)


def part_of(
    manifest: Manifest,
    split: Split,
    part: str,
    image: ImageSource | CachedSource | ViewSource,
    text: TextSource | CachedSource,
) -> Part:
    """The part of a split with this name."""
    rows = split.rows(part)
    labels = torch.from_numpy(manifest.labels[rows])
    return Part(rows.tolist(), image, text, labels, manifest.groups[rows].tolist())
