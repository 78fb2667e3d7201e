"""JSON lines: one object a row; what one object lacks and another has is missing.

Source: Bray 2017, RFC 8259, and jsonlines.org
"""

import io
import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import ClassVar, Literal

from mmx import DataError, Params, hookimpl
from mmx.blocks import table_text
from mmx.interfaces import TableContents, TableExample, TableReader, TableReaderParams


class JsonlParams(TableReaderParams):
    """Objects, one a line, in UTF-8; packed by gzip or not."""

    type: Literal["jsonl"] = "jsonl"
    endings: ClassVar[tuple[str, ...]] = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")

    def build(self) -> "JsonlReader":
        return JsonlReader()


class JsonlReader(TableReader):
    """Reads line by line; an empty line is none."""

    def read(self, path: Path) -> TableContents:
        import pandas  # not needed to find this reader

        text = table_text(path, None)
        try:
            rows = list(_objects(text.source, path))
        except UnicodeError as error:
            raise DataError(f"{path} is not UTF-8 ({error}); JSON lines always are") from error
        if text.guess is not None:
            raise DataError(f"{path} is not UTF-8; JSON lines always are")
        names = list(dict.fromkeys(key for row in rows for key in row))
        if not names:
            raise DataError(f'{path} holds no objects with keys, such as {{"image": "a.jpg"}}')
        columns = {
            key: pandas.Series([row.get(key) for row in rows], dtype=object) for key in names
        }
        return TableContents(pandas.DataFrame(columns))

    def example(self, folder: Path) -> TableExample:
        path = folder / "example.jsonl"
        path.write_text('{"id": "007", "age": 40}\n\n{"id": "b", "note": "über"}\n', "utf-8")
        rows = [{"id": "007", "age": "40", "note": ""}, {"id": "b", "age": "", "note": "über"}]
        return TableExample(path, rows)


def _objects(source: Path | io.BytesIO, path: Path) -> Iterator[dict[str, object]]:
    """The objects; the first line is row 2, as in a table whose header is row 1."""
    with closing(source.open("rb") if isinstance(source, Path) else source) as lines:
        for number, line in enumerate(lines, start=2):
            if line.strip():
                yield _object(line.decode("utf-8-sig"), path, number)


def _object(line: str, path: Path, number: int) -> dict[str, object]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: row {number} is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise DataError(f"{path}: row {number} is no object with keys, but {line.strip()[:40]}")
    return found


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """Give the settings of this reader."""
    return [JsonlParams]
