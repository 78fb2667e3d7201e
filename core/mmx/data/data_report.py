"""The data report: what was there, what was used, what was not and why."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from torch import Tensor

from mmx.data.image_store import ImageStore
from mmx.data.label_shares import UnevenShare, uneven_shares
from mmx.data.manifest import Manifest
from mmx.data.split import Split
from mmx.data.token_loss import TokenLoss
from mmx.data.whole_groups import UNUSED
from mmx.interfaces import RejectedRow
from mmx.spec import PARTS

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Count:
    """How many of a class are in a part."""

    samples: int
    groups: int


@dataclass(frozen=True, slots=True)
class DataReport:
    """Nothing is dropped in silence: it stands here.

    Attributes:
        rows: all rows of the data set, rejected ones included.
        parts: part -> class -> how many; a class without samples is there with zeros.
        sizes: part -> how many in all.
        uneven: labels that a part has more or less of than all parts together.
        rejected: rows that are not used or have no usable label, with the reason.
        unreadable: images that cannot be read; their samples count as without that image.
        without_label: ids of rows in no part because they have no usable label.
        without_image: samples that have no readable image.
        without_text: ids of samples whose text is empty.
        samples_without: modality -> samples that have nothing of it, of each that has an encoder.
        duplicates: ids of samples that share a byte-identical image, together.
        missing: column -> word -> how many cells held it and were read as missing.
        tokens: part -> what of its texts is cut or unknown to the text encoder; empty where the
            model reads no text.
        digest: of the manifest.
    """

    rows: int
    parts: dict[str, dict[str, Count]]
    sizes: dict[str, Count] = field(default_factory=dict)
    uneven: tuple[UnevenShare, ...] = ()
    rejected: tuple[RejectedRow, ...] = ()
    unreadable: tuple[RejectedRow, ...] = ()
    without_label: tuple[str, ...] = ()
    without_image: int = 0
    without_text: tuple[str, ...] = ()
    samples_without: Mapping[str, int] = field(default_factory=dict)
    duplicates: tuple[tuple[str, ...], ...] = ()
    missing: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    tokens: Mapping[str, TokenLoss] = field(default_factory=dict)
    digest: str = ""

    def to_json(self) -> dict[str, object]:
        """Plain data for a JSON file."""
        return asdict(self)

    @property
    def absent(self) -> dict[str, tuple[str, ...]]:
        """Part -> classes that have no sample in it."""
        empty = {
            part: tuple(name for name, count in classes.items() if not count.samples)
            for part, classes in self.parts.items()
        }
        return {part: names for part, names in empty.items() if names}


def make_data_report(
    manifest: Manifest,
    split: Split,
    *,
    pictures: Mapping[str, ImageStore] = NOTHING,
    texts: Sequence[str] = (),
    tokens: Mapping[str, TokenLoss] = NOTHING,
    present: Mapping[str, Tensor] = NOTHING,
) -> DataReport:
    """Count rows, parts and faults.

    Args:
        manifest: the rows.
        split: their parts.
        pictures: the images by modality, where they are at hand.
        texts: all that is written of each row.
        tokens: part -> what of its texts the encoder does not read.
        present: modality -> which of the rows have it, [n] bool.
    """
    stores = [*pictures.values()]
    shown = [store.present.numpy() for store in stores]
    unusable = len(manifest.rejected) - int((~manifest.known).sum())
    return DataReport(
        rows=len(manifest) + unusable,
        parts=_counts(manifest, split),
        sizes=_sizes(manifest, split),
        uneven=uneven_shares(manifest.strata, split),
        rejected=manifest.rejected,
        unreadable=tuple(one for store in stores for one in store.unreadable),
        without_label=tuple(manifest.ids[split.parts == UNUSED]),
        without_image=int((~np.any(shown, axis=0)).sum()) if shown else 0,
        without_text=tuple(
            sample for sample, text in zip(manifest.ids, texts, strict=bool(texts)) if not text
        ),
        samples_without={name: int((~there).sum()) for name, there in present.items()},
        duplicates=tuple(dict.fromkeys(one for store in stores for one in store.duplicates)),
        missing=manifest.facts.missing,
        tokens=dict(tokens),
        digest=manifest.digest,
    )


def _sizes(manifest: Manifest, split: Split) -> dict[str, Count]:
    rows = {part: split.rows(part) for part in PARTS}
    return {
        part: Count(len(own), len(set(manifest.groups[own])))
        for part, own in rows.items()
        if len(own)
    }


def _counts(manifest: Manifest, split: Split) -> dict[str, dict[str, Count]]:
    counts: dict[str, dict[str, Count]] = {}
    for part in PARTS:
        rows = split.rows(part)
        if not len(rows):
            continue
        groups = manifest.groups[rows]
        counts[part] = {
            name: Count(int(own.sum()), len(set(groups[own])))
            for strata in manifest.strata
            for index, name in enumerate(strata.named)
            for own in [strata.labels[rows] == index]
        }
    return counts
