"""Which fields of a record a narrative never looks up."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from mmx.interfaces import NarrativeParams, Sample, Value


class _NotedRecord(Mapping[str, Value]):
    """A record that notes which of its fields are looked up."""

    def __init__(self, record: Mapping[str, Value], read: set[str]) -> None:
        self._record, self._read = record, read

    def __getitem__(self, name: str) -> Value:
        value = self._record[name]
        self._read.add(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._record)

    def __len__(self) -> int:
        return len(self._record)


class _ConstantFeatures:
    """Stands for the image features of samples, of which no field of a record depends."""

    def pooled(self, samples: Sequence[Sample]) -> Tensor:
        """[B, 1], ones."""
        return torch.ones(len(samples), 1)


def unread_by_all(
    narratives: Mapping[str, NarrativeParams], samples: Sequence[Sample]
) -> tuple[str, ...]:
    """Fields of these samples that none of the narratives looks up; see ``unread_fields``."""
    found = [unread_fields(one, samples) for one in narratives.values()]
    return tuple(name for name in found[0] if all(name in one for one in found)) if found else ()


def unread_fields(params: NarrativeParams, samples: Sequence[Sample]) -> tuple[str, ...]:
    """Fields of these samples that the narrative never looks up; any narrative, also a plugin's.

    Args:
        params: of the narrative; it is built anew, and sees the samples without their images.
        samples: with the records that narratives may see; some tens are enough.

    Raises:
        MmxError: the narrative refuses them.
    """
    read: set[str] = set()
    seen = [
        replace(
            sample,
            images={},
            boxes={},
            record=_NotedRecord(sample.record, read),
            label=sample.label if params.needs_label else None,
        )
        for sample in samples
    ]
    narrative = params.build(_ConstantFeatures() if params.needs_features else None)
    narrative.fit(seen)
    narrative.write_all(seen)
    names = dict.fromkeys(name for sample in samples for name in sample.record)
    return tuple(name for name in names if name not in read)
