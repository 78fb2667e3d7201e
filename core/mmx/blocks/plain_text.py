"""What stands in a file of plain text, decoded as strictly as tables are."""

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from mmx.blocks.letters import guess_encoding
from mmx.errors import DataError, SettingsError
from mmx.files import read_regular

TEXT_LIMIT = 4 << 20  # bytes of one text; a thousand pages
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_OTHERS = (
    (b"%PDF", "a PDF"), (b"PK\x03\x04", "a packed document (docx, odt, zip)"),
    (b"{\\rtf", "an RTF document"), (b"\xd0\xcf\x11\xe0", "a document of an old Word"),
    (b"\x89png", "a picture"), (b"\xff\xd8\xff", "a picture"), (b"gif8", "a picture"),
    (b"\x1f\x8b", "packed by gzip"), (b"<!doctype html", "a web page"), (b"<html", "a web page"),
)  # fmt: skip
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_MOST_CONTROL = 0.01  # share of signs; scanned reports have a stray one
_STATE = "state how it was saved, with text_encoding: cp1252, gbk, utf-16-le or another name"


@dataclass(frozen=True, slots=True)
class PlainText:
    """The text of a file.

    Attributes:
        text: with the line ends of Unix, without a byte order mark.
        guess: encoding that its letters speak for, where neither the file nor a user says it.
    """

    text: str
    guess: str | None = None


def read_plain_text(path: Path, encoding: str | None = None) -> PlainText:
    """The text of a file: UTF-8, what its mark says, or what its letters speak for, in this order.

    Args:
        path: of a regular file of at most 4 MiB.
        encoding: in which it is written; None: found out.

    Raises:
        DataError: it cannot be read, is no plain text, or in an encoding that nothing tells; the
            words name no file.
        SettingsError: there is no encoding of this name.
    """
    try:
        content = read_regular(path, limit=TEXT_LIMIT)
    except FileNotFoundError:
        raise DataError("there is no such file") from None
    except OSError as error:
        raise DataError(f"it cannot be read: {error.strerror or error}") from error
    begin = content[:64].lstrip().lower()
    other = next((what for sign, what in _OTHERS if begin.startswith(sign.lower())), None)
    if other:
        raise DataError(f"it is {other}, and only plain text is read; save it as text")
    found = _decoded(content, encoding)
    _check_signs(found.text)
    text = found.text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return PlainText(text, found.guess)


def _decoded(content: bytes, encoding: str | None) -> PlainText:
    mark = next((name for mark, name in _MARKS if content.startswith(mark)), None)
    name = encoding or mark or "utf-8"
    try:
        return PlainText(content.decode(name))
    except LookupError:
        words = f"text_encoding: {name!r} is unknown; usual ones are utf-8, cp1252, gbk"
        raise SettingsError([(("text_encoding",), words)]) from None
    except UnicodeError as error:
        guess = None if encoding or mark else guess_encoding(content)
        if guess is None:
            raise DataError(f"it is not {name} ({error}); {_STATE}") from error
    return PlainText(content.decode(guess), guess)


def _check_signs(text: str) -> None:
    """Refuse what is no text, though it can be decoded."""
    if "\0" in text:
        raise DataError(f"it holds zero bytes: it is no text, or UTF-16 without a mark; {_STATE}")
    strange = len(_CONTROL.findall(text))
    if strange > max(1, _MOST_CONTROL * len(text)):
        raise DataError(f"it holds {strange} control characters, so it is no plain text")
