"""A run on disk, as its users see it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from mmx.errors import RunError
from mmx.evaluation import Interval
from mmx.experiment.controls_table import CONTROLS, joined_rows
from mmx.runs import RunFolder, parquet_table

PREDICTIONS = "predictions.parquet"


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run.

    Attributes:
        path: its directory.
    """

    path: Path

    @property
    def digest(self) -> str:
        """Digest of everything that decides its numbers, as in the name of the directory."""
        return self.path.name.rpartition("-")[2]

    @property
    def folder(self) -> RunFolder:
        """Its files, which are compared with their checksums when they are read.

        Raises:
            RunError: the run is not finished, so nothing says what its files should hold.
        """
        folder = RunFolder(self.path)
        if not folder.finished:
            there = "is not finished; run its spec again" if self.path.is_dir() else "is not there"
            raise RunError(f"the run {self.path} {there}")
        return folder

    @property
    def metrics(self) -> dict[str, Any]:
        """What metrics.json holds."""
        found: dict[str, Any] = self.folder.read_json("metrics.json")
        return found

    @property
    def predictions(self) -> pd.DataFrame:
        """What predictions.parquet holds: sample, group, part, label and probabilities."""
        return self._table(PREDICTIONS)

    @property
    def controls(self) -> pd.DataFrame:
        """What controls.parquet holds of the simpler models, as predictions do; empty without."""
        there = (self.path / CONTROLS).is_file()
        return self._table(CONTROLS) if there else joined_rows([])

    def _table(self, name: str) -> pd.DataFrame:
        content = self.folder.read_bytes(name)
        try:
            return parquet_table(content)
        except Exception as error:  # pyarrow raises many types for damaged bytes
            raise RunError(
                f"{self.path / name} cannot be read ({error}); run the spec again with --fresh"
            ) from error

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.folder.checked("report.html")

    def headline(self) -> str:
        """The headline metric on the test part with its interval, in one line."""
        try:
            metrics = self.metrics
            shown = metrics["headline"]
            value, form = metrics["test"]["metrics"][shown["metric"]], shown["form"]
            stamp = "LEAKY (the texts know the label): " if metrics.get("leaky") else ""
            if value["value"] is None:
                return f"{stamp}{shown['title']}: none; too few groups of the test part to score"
            score = f"{stamp}{shown['title']} {value['value']:{form}}"
            if value["low"] is None or value["high"] is None:
                return f"{score} ({shown['ends']})"
            ends = Interval(value["value"], value["low"], value["high"]).ends(form)
            return f"{score} (95 % interval {ends})"
        except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
            raise RunError(
                f"{self.path / 'metrics.json'} is not as a run writes it ({error!r}); "
                "run the spec again with --fresh"
            ) from error
