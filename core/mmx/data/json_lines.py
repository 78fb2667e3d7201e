"""Tables of JSON lines: one object a row."""

import io
import json
from pathlib import Path
from typing import Any

import pandas

from mmx.errors import DataError


def read_json_lines(source: Path | io.BytesIO, name: Path) -> pandas.DataFrame:
    """Read JSON lines; what one object lacks and another has is None.

    Raises:
        DataError: a line is no object; the words name the row (the first line is row 2, as in a
            table whose header is row 1).
    """
    rows: list[dict[str, Any]] = []
    try:
        stream = source.open("rb") if isinstance(source, Path) else source
        with stream:
            for number, line in enumerate(stream, start=2):
                if line.strip():
                    rows.append(_object(line.decode("utf-8-sig"), name, number))
    except UnicodeDecodeError as error:
        raise DataError(f"{name} is not UTF-8 ({error.reason}); JSON lines always are") from error
    names = list(dict.fromkeys(key for row in rows for key in row))
    if not names:
        raise DataError(f'{name} holds no objects with keys, such as {{"image": "a.jpg"}}')
    columns = {key: pandas.Series([row.get(key) for row in rows], dtype=object) for key in names}
    return pandas.DataFrame(columns)


def _object(line: str, name: Path, number: int) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name}: row {number} is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise DataError(f"{name}: row {number} is no object with keys, but {line.strip()[:40]}")
    return found
