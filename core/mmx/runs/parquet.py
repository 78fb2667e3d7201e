"""Tables in Parquet that are read from memory."""

from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def parquet_table(content: bytes) -> "pd.DataFrame":
    """The table of a Parquet file, read on this thread alone.

    By default pyarrow reads ahead on threads of its own, which call back into Python. One that is
    still about it when the interpreter ends aborts a process whose work is done: 27 of 210 did on a
    busy machine.

    Args:
        content: of the file.

    Raises:
        Exception: of many types, for damaged bytes.
    """
    from pyarrow.parquet import ParquetFile  # half a second of import

    with ParquetFile(BytesIO(content), pre_buffer=False) as file:
        table: pd.DataFrame = file.read(use_threads=False).to_pandas(use_threads=False)
    return table
