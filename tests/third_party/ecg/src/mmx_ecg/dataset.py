"""The data set: a folder with cases.csv (file, rhythm, patient, age, sex) and the .npy files."""

import csv
from collections.abc import Sequence
from typing import Literal

from mmx import DataError, Dataset, DatasetParams, Params, Sample, hookimpl
from mmx.interfaces import Facts, Layout, SpecPath

MMX_API = 2
TABLE = "cases.csv"


class EcgCasesParams(DatasetParams):
    """Settings of the data set."""

    type: Literal["ecg"] = "ecg"
    folder: SpecPath

    def layout(self) -> Layout:
        """How a table of new cases is read."""
        return Layout(
            inputs={"ecg": "file"}, record=("age", "sex"), group="patient", label="rhythm",
            root=self.folder,
        )  # fmt: skip

    def build(self) -> "EcgCases":
        """Read the table."""
        return EcgCases(self)


class EcgCases(Dataset):
    """One recording a row; group = patient."""

    def __init__(self, params: EcgCasesParams) -> None:
        table = params.folder / TABLE
        try:
            rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
        except OSError as error:
            raise DataError(f"{table} cannot be read: {error}") from error
        self.classes = tuple(sorted({row["rhythm"] for row in rows}))
        self.facts = Facts(group="patient")
        self._samples = [
            Sample(
                id=row["file"], group=row["patient"], label=row["rhythm"],
                inputs={"ecg": params.folder / row["file"]} if row["file"] else {},
                record={"age": float(row["age"]) if row["age"] else None, "sex": row["sex"] or None},
            )
            for row in rows
        ]  # fmt: skip

    def samples(self) -> Sequence[Sample]:
        """All rows."""
        return self._samples


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """Give the settings of the data set."""
    return [EcgCasesParams]
