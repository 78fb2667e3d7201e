"""The text of a table file as UTF-8: unpacked, decoded strictly, without marks.

What a file says itself is taken (gzip, a byte order mark, a first line ``sep=;``), and what is
stated. Of anything else that is not UTF-8 the letters themselves must speak for an encoding, which
is then told with an example; where they do not, it must be stated.
"""

import codecs
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mmx.blocks.letters import foreign_word, guess_encoding
from mmx.errors import DataError, EncodingError, SettingsError
from mmx.files import read_regular

PACKED_LIMIT = 4 << 30  # bytes of a table that is unpacked or decoded in memory
_GZIP = b"\x1f\x8b"
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"),
          (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
_SEPARATOR = re.compile(r'"?sep=([^\r\n])"?[ ,;\t]*(?:\r\n|\r|\n|$)', re.IGNORECASE)
_SEPARATOR_BEGINS = re.compile(rb'"?sep=', re.IGNORECASE)
_WAYS = (
    "say how it was saved, with encoding: cp1252 (Western spreadsheets), gbk (Chinese ones) or "
    "another name in data.dataset (mmx init --encoding), or save it as UTF-8"
)


@dataclass(frozen=True, slots=True)
class TableText:
    """What a reader of tables reads.

    Attributes:
        source: UTF-8 without a mark: the file itself, or what it holds.
        separator: as its first line says; None when it says nothing.
        guess: encoding that its letters speak for, where neither the file nor a user says it.
        note: what a user must know of that, in a sentence.
    """

    source: Path | io.BytesIO
    separator: str | None = None
    guess: str | None = None
    note: str = ""


def table_text(path: Path, encoding: str | None) -> TableText:
    """The text of a table; a plain file is handed on unread, whether it is UTF-8 or not.

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
    mark = next((name for mark, name in _MARKS if content.startswith(mark)), None)
    try:
        return _said(_decoded(path, content, encoding or mark or "utf-8"))
    except EncodingError as error:
        if encoding is not None:
            raise
        return _guessed(path, content, error)


def guessed_text(path: Path, error: EncodingError) -> TableText:
    """The text of a file that is not UTF-8, in the encoding that its letters speak for.

    Args:
        path: of the file.
        error: that tells that it is not UTF-8; raised where the letters speak for nothing.

    Raises:
        EncodingError: that error.
        DataError: damaged or too large.
    """
    return _guessed(path, _unpacked(path), error)


def _guessed(path: Path, content: bytes, error: EncodingError) -> TableText:
    guess = guess_encoding(content)
    if guess is None:
        raise error
    text = content.decode(guess)
    note = (
        f"{path.name} is not UTF-8; its letters are those of {guess}, such as "
        f"{foreign_word(text)!r}; if they are wrong, say encoding: in data.dataset"
    )
    return replace(_said(text), guess=guess, note=note)


def _said(text: str) -> TableText:
    """A text as UTF-8, and what its first line says of the signs between cells."""
    told = _SEPARATOR.match(text)
    rest = text if told is None else text[told.end() :]
    return TableText(io.BytesIO(rest.encode("utf-8")), told and told[1])


def _says_separator(head: bytes) -> bool:
    return _SEPARATOR_BEGINS.match(head.removeprefix(codecs.BOM_UTF8)) is not None


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
    if content.startswith(_GZIP):
        raise DataError(f"{path} is packed twice; unpack it once")
    return content


def _decoded(path: Path, content: bytes, encoding: str) -> str:
    try:
        text = content.decode(encoding)
    except LookupError:
        words = f"encoding: {encoding!r} is unknown; usual ones are utf-8, cp1252, gbk, utf-16"
        raise SettingsError([(("encoding",), words)]) from None
    except UnicodeError as error:
        if encoding == "utf-8":
            raise not_utf8(path, error) from error
        words = f"{path} is not {encoding} ({error}); {_WAYS}"
        raise SettingsError([(("encoding",), words)]) from error
    return text.removeprefix("\ufeff")


def not_utf8(path: Path, error: UnicodeError) -> EncodingError:
    """The words for a table in an unknown encoding."""
    reason = getattr(error, "reason", str(error))
    return EncodingError(f"{path} is not UTF-8 ({reason}); {_WAYS}")


def check_names(path: Path, names: Sequence[str]) -> None:
    """Refuse a header without names, or with a name twice.

    Raises:
        DataError: in words about the file.
    """
    if not any(name.strip() for name in names):
        raise DataError(f"{path} has no header row with column names")
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise DataError(
            f"{path} has more than one column named {', '.join(twice)}; rename them; or, if its "
            "first line is no header, say their names: mmx init --columns a,b,... writes "
            "data.dataset.reader: {type: csv, columns: [...]}"
        )
