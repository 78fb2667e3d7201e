"""What a run says to cases, as a table and as a page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pandas as pd

from mmx.files import sheet
from mmx.report import CaseReport, Explanation, render_cases
from mmx.runs import write_bytes, write_text

REASON = "reason"
"""Column that says why a row is not answered; empty where it is."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What a run says to cases.

    Attributes:
        table: one row per case, in order: id, predicted, p_NAME in the order of the run, columns
            of inference hooks, and the reason where a case cannot be answered.
        names: classes, labels or levels in the order of the columns.
        texts: as the model read them, by row and modality; of the cases that are answered.
        explanations: by row; where they were asked for.
        images: modalities of images that the run reads.
        records: by row and modality, the fields of the record that the run reads.
        notes: what a reader must know.
        unit: of answers that are numbers, years or empty; None: answers are probabilities.
    """

    table: pd.DataFrame
    names: tuple[str, ...]
    texts: Mapping[int, Mapping[str, str]]
    explanations: Mapping[int, Explanation]
    images: Sequence[str]
    records: Mapping[int, Mapping[str, Mapping[str, object]]]
    notes: tuple[str, ...]
    unit: str | None = None

    @property
    def refused(self) -> pd.DataFrame:
        """The rows that are not answered: id and reason."""
        return self.table.loc[self.table[REASON] != "", ["id", REASON]]

    def probabilities(self, row: int) -> dict[str, float]:
        """Of one case by its place, by name, highest first; empty where it is not answered."""
        if row not in self.texts:
            return {}
        values = {name: float(self.table[f"p_{name}"].iloc[row]) for name in self.names}
        return dict(sorted(values.items(), key=lambda pair: -pair[1]))

    def extras(self, row: int) -> dict[str, float]:
        """Columns of inference hooks of one case by its place; empty where it is not answered."""
        own = {"id", "predicted", REASON, *(f"p_{name}" for name in self.names)}
        names = [str(name) for name in self.table if name not in own]
        return {name: float(self.table[name].iloc[row]) for name in names if row in self.texts}

    def write(self, path: str | Path) -> str:
        """Write the table: Parquet by its ending, with tabs for .tsv, else CSV.

        Returns:
            A sentence for the user when cells were guarded because a spreadsheet would take them
            for formulas; else empty.
        """
        path = Path(path)
        if path.suffix.lower() in (".parquet", ".pq"):
            buffer = BytesIO()
            self.table.to_parquet(buffer, index=False)
            write_bytes(path, buffer.getvalue())
            return ""
        separator = "\t" if path.suffix.lower() in (".tsv", ".tab") else ","
        written = sheet(list(self.table), _rows(self.table), separator=separator)
        write_text(path, written.text)
        return written.note

    def write_page(self, path: str | Path, run: str) -> None:
        """Write a page with each explained case and why it was answered so.

        Args:
            path: of the HTML file.
            run: name of the run, for the title.
        """
        shown = [
            CaseReport(
                str(self.table["id"].iloc[row]),
                self.texts[row],
                self.probabilities(row),
                why,
                self.images,
                self.records[row],
            )
            for row, why in self.explanations.items()
        ]
        write_text(Path(path), render_cases(run, shown))


def _rows(table: pd.DataFrame) -> Iterator[Sequence[object]]:
    """The rows of a table; numbers with six digits, None for what is missing."""
    for row in table.itertuples(index=False, name=None):
        yield [None if pd.isna(v) else f"{v:.6g}" if isinstance(v, float) else v for v in row]
