"""The text of a table file as UTF-8: unpacked, decoded strictly, without marks.

Nothing is guessed. What a file says itself is taken (gzip, a byte order mark, a first line
``sep=;``); whatever else is not UTF-8 needs to be stated, since a wrong guess changes letters.
"""

import codecs
import gzip
import io
import zlib
from dataclasses import dataclass
from pathlib import Path

from mmx.errors import DataError
from mmx.files import read_regular

PACKED_LIMIT = 4 << 30  # bytes of a table that is unpacked or decoded in memory
_GZIP = b"\x1f\x8b"
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"),
          (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
_WAYS = (
    "say how it was saved, with encoding: cp1252 (Western spreadsheets), gbk (Chinese ones) or "
    "another name in data.dataset (mmx init --encoding), or save it as UTF-8"
)


class EncodingError(DataError):
    """A table that is not UTF-8, and nothing says what it is."""


@dataclass(frozen=True, slots=True)
class TableText:
    """What a reader of tables reads.

    Attributes:
        source: UTF-8 without a mark: the file itself, or what it holds.
        separator: as its first line says; None when it says nothing.
    """

    source: Path | io.BytesIO
    separator: str | None = None


def table_text(path: Path, encoding: str | None) -> TableText:
    """The text of a table.

    Args:
        path: of the file.
        encoding: in which it is written; None: UTF-8, or what its byte order mark says.

    Raises:
        EncodingError: it is not UTF-8, and nothing says what it is.
        DataError: damaged, too large, or not in the encoding that is stated.
    """
    with path.open("rb") as file:
        head = file.read(64)
    mark = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    stated = encoding or (mark if mark != "utf-8-sig" else None)
    if not head.startswith(_GZIP) and stated is None and not _says_separator(head):
        return TableText(path)
    content = _unpacked(path)
    if content.startswith(_GZIP):
        raise DataError(f"{path} is packed twice; unpack it once")
    mark = next((name for mark, name in _MARKS if content.startswith(mark)), None)
    text = _decoded(path, content, encoding or mark or "utf-8")
    first, _, rest = text.partition("\n")
    separator = None
    if first.lower().startswith("sep=") and len(first.strip()) == 5:
        separator, text = first.strip()[-1], rest
    return TableText(io.BytesIO(text.encode("utf-8")), separator)


def _says_separator(head: bytes) -> bool:
    return head.removeprefix(codecs.BOM_UTF8).lower().startswith(b"sep=")


def _unpacked(path: Path) -> bytes:
    """The bytes of a file, unpacked where it is gzip; bounded."""
    try:
        content = read_regular(path, limit=PACKED_LIMIT)
        if not content.startswith(_GZIP):
            return content
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            content = file.read(PACKED_LIMIT + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be unpacked: {error}") from error
    if len(content) > PACKED_LIMIT:
        raise DataError(f"{path} holds more than {PACKED_LIMIT} bytes; use Parquet for such tables")
    return content


def _decoded(path: Path, content: bytes, encoding: str) -> str:
    try:
        text = content.decode(encoding)
    except LookupError:
        raise DataError(
            f"encoding: {encoding!r} is unknown; usual ones are utf-8, cp1252, gbk, utf-16"
        ) from None
    except UnicodeError as error:
        if encoding == "utf-8":
            raise not_utf8(path, error) from error
        raise DataError(f"{path} is not {encoding} ({error}); {_WAYS}") from error
    return text.removeprefix("\ufeff")


def not_utf8(path: Path, error: UnicodeError) -> EncodingError:
    """The words for a table in an unknown encoding."""
    reason = getattr(error, "reason", str(error))
    return EncodingError(f"{path} is not UTF-8 ({reason}); {_WAYS}")
