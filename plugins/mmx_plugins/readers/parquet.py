"""Parquet, whose cells keep their types; a null, NaN or NaT is missing.

Structs ``{bytes, path}`` and bytes are images where the layout reads images, as hubs write them;
lists of them are several images of a case.

Source: Apache Parquet, parquet.apache.org/docs/file-format
"""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

from mmx import DataError, Params, hookimpl
from mmx.interfaces import TableContents, TableExample, TableReader, TableReaderParams


class ParquetParams(TableReaderParams):
    """A columnar file, read whole into memory."""

    type: Literal["parquet"] = "parquet"
    endings: ClassVar[tuple[str, ...]] = (".parquet", ".pq")

    def build(self) -> "ParquetReader":
        return ParquetReader()


class ParquetReader(TableReader):
    """Reads with pyarrow; whole numbers beside a null stay whole."""

    def read(self, path: Path) -> TableContents:
        import pandas  # not needed to find this reader

        try:
            cells = pandas.read_parquet(path, engine="pyarrow", dtype_backend="numpy_nullable")
        except Exception as error:  # pyarrow raises many types for damaged bytes
            raise DataError(f"{path} is not a readable Parquet file: {error}") from error
        return TableContents(cells)

    def example(self, folder: Path) -> TableExample:
        import pandas  # not needed to find this reader

        path = folder / "example.parquet"
        whole = pandas.array([7, None], dtype="Int64")
        pandas.DataFrame({"id": ["007", "b"], "age": whole, "yes": [True, False]}).to_parquet(path)
        rows = [{"id": "007", "age": "7", "yes": "True"}, {"id": "b", "age": "", "yes": "False"}]
        return TableExample(path, rows)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """Give the settings of this reader."""
    return [ParquetParams]
