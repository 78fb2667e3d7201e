"""The input kind: twelve leads of an electrocardiogram, read from .npy files."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from mmx import DataError, Sample
from mmx.interfaces import Input, InputRows, RejectedRow, Store
from torch import Tensor

LEADS = 12


@dataclass(frozen=True, slots=True)
class Leads:
    """The electrocardiograms of a batch.

    Attributes:
        values: [B, 12, T], float32, each lead with the mean 0 and the deviation 1 of training;
            zeros where a sample has none.
        present: [B], bool.
    """

    values: Tensor
    present: Tensor


class LeadsInput(Input):
    """From files of [12, T] in millivolts to standardised leads.

    The encoder says T as ``length``; a file of another length is told and counts as missing.
    """

    def fit(self, samples: Sequence[Sample], hidden: Mapping[str, str]) -> str:
        """Mean and standard deviation of each lead over the training rows, as JSON."""
        found = [read_leads(path, self.length)[0] for path in map(self.path, samples)]
        values = [one for one in found if one is not None]
        if not values:
            raise DataError(f"no training row has a readable {self.name}")
        whole = np.concatenate(values, axis=1).astype(np.float64)
        spread = np.maximum(whole.std(axis=1), 1e-6)  # a lead that fell off is constant
        return json.dumps({"mean": whole.mean(axis=1).tolist(), "sd": spread.tolist()})

    def restore(self, statistics: str) -> None:
        """Take back what ``fit`` gave."""
        known = json.loads(statistics)
        self.mean, self.sd = np.array(known["mean"])[:, None], np.array(known["sd"])[:, None]
        self.digest = hashlib.sha256(statistics.encode()).hexdigest()

    def prepare(self, rows: InputRows) -> "LeadsStore":
        """Read every file once."""
        return LeadsStore(self, rows.samples)

    def example(self) -> Leads:
        """Noise, of which the second sample has none; for the laws of encoders."""
        values = torch.randn(3, LEADS, self.length, generator=torch.Generator().manual_seed(0))
        values[1] = 0
        return Leads(values, torch.tensor([True, False, True]))

    @property
    def length(self) -> int:
        """Samples in time that the encoder reads."""
        return int(self.encoder.length)  # type: ignore[arg-type]

    def path(self, sample: Sample) -> Path | None:
        """The file of a sample; None where it has none."""
        found = sample.inputs.get(self.name)
        return None if found is None else Path(str(found))


class LeadsStore(Store):
    """All electrocardiograms in memory."""

    def __init__(self, kind: LeadsInput, samples: Sequence[Sample]) -> None:
        self._values = np.zeros((len(samples), LEADS, kind.length), np.float32)
        self._present = torch.zeros(len(samples), dtype=torch.bool)
        self.keys, self.unreadable = [], []
        for row, sample in enumerate(samples):
            path = kind.path(sample)
            values, fault = read_leads(path, kind.length)
            if values is not None:
                self._values[row] = (values - kind.mean) / kind.sd
                self._present[row] = True
            elif path is not None:
                self.unreadable.append(RejectedRow(sample.id, f"{path.name}: {fault}"))
            content = self._values[row].tobytes() if values is not None else b""
            self.keys.append(hashlib.sha256(content + kind.digest.encode()).hexdigest())

    @property
    def present(self) -> Tensor:
        return self._present

    def collate(self, rows: Sequence[int]) -> Leads:
        """[B, 12, T] of these rows."""
        places = torch.as_tensor(rows, dtype=torch.int64)
        return Leads(torch.from_numpy(self._values)[places], self._present[places])


def read_leads(path: Path | None, length: int) -> "tuple[np.ndarray | None, str]":
    """[12, T] of a file, or None and what is wrong with it."""
    if path is None:
        return None, "there is no file"
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        return None, f"is no array: {error}"
    if values.shape != (LEADS, length):
        return None, f"is {list(values.shape)}, and [{LEADS}, {length}] is needed"
    if not np.issubdtype(values.dtype, np.number) or not np.isfinite(values).all():
        return None, "holds what is no finite number"
    return values.astype(np.float32), ""
