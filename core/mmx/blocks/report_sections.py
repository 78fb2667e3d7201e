"""Sections of a report, found by their headings."""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

_CHINESE = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"  # and what is written like it, without blanks
_CAPITALS = rf"[^\W\d_a-zß-ÿ{_CHINESE}][^\W_a-zß-ÿ{_CHINESE}]*"  # or of a script without cases
_WORD = r"[^\W\d_][\w'/&()-]*"
_SEEN = (
    "findings", "finding", "impression", "impressions", "conclusion", "conclusions", "opinion",
    "interpretation", "assessment", "diagnosis", "result", "results", "report", "addendum",
    "befund", "befunde", "beurteilung", "diagnose", "zusammenfassung", "ergebnis",
    "résultat", "résultats", "interprétation", "diagnostic",
    "hallazgos", "impresión", "conclusión", "conclusiones", "diagnóstico",
    "检查所见", "影像所见", "所见", "诊断意见", "影像诊断", "诊断", "印象", "结论", "所見", "診断",
)  # fmt: skip
"""Headings of what was seen in the pictures, which end a section wherever they stand."""
_BEGIN = r"[ \t>*#_-]*(?:\d{1,2}[.)、][ \t]*)?"  # of a line, with a bullet or a number
_OF_A_LINE = re.compile(
    "|".join((
        rf"{_BEGIN}({_WORD}(?:[ \t,]+{_WORD}){{0,6}})[ \t*_]*[:：]",
        rf"{_BEGIN}\[({_WORD}(?:[ \t]+{_WORD}){{0,6}})\][ \t]*[:：]?",
        rf"[ \t]*(?:\*\*|__)({_WORD}(?:[ \t,]+{_WORD}){{0,6}})(?:\*\*|__)",
        rf"{_BEGIN}({_CAPITALS}(?:[ ,/&]+{_CAPITALS}){{0,5}})[ \t]+[-–—][ \t]",
        rf"[ \t]*#+[ \t]*({_WORD}(?:[ \t,/&]+{_WORD}){{0,6}})[ \t#]*$",
        rf"[ \t]*(?P<alone>{_WORD}(?:[ \t,/&]+{_WORD}){{0,6}})[ \t]*$",
    ))
)  # fmt: skip
_INSIDE = re.compile(
    "|".join((
        r"【[ \t]*([^【】]{1,30}?)[ \t]*】[ \t]*[:：]?",
        rf"(?<=[.;!?。；！？])\s*({_WORD}(?:[ ,]+{_WORD}){{0,3}})[ \t*]*[:：]",  # begins a sentence
        rf"(?<!\w)({_CAPITALS}(?:[ ,/&]+{_CAPITALS}){{0,5}}|[{_CHINESE}]+)[ \t*]*[:：]",
        rf"(?<!\w)((?i:{'|'.join(sorted(_SEEN, key=len, reverse=True))}))[ \t*]*[:：]",
    ))
)  # fmt: skip
_SIGNS = re.compile("[:：【]")  # without which nothing inside a line is a heading
_LINE_END = re.compile(r"\r\n?|\\r\\n|\\n|_x000D_\n?")  # also as databases and workbooks write it
_RULER = re.compile(r"^[ \t]*[-=~]{3,}[ \t]*$", re.MULTILINE)


class _Heading(NamedTuple):
    """Where a heading stands.

    Attributes:
        name: as it is written.
        start: of it in the text.
        end: where its section begins.
    """

    name: str
    start: int
    end: int


def read_sections(text: str, wanted: Sequence[str]) -> str:
    """What stands under these headings, in the order of the text, without the headings.

    A heading stands before a colon (up to seven words that begin a line, up to four that begin a
    sentence, words in capitals anywhere), in brackets (``【...】``, or ``[...]`` at the beginning
    of a line), or alone in a line: in capitals, marked as in Markdown, or where it is one of
    ``wanted`` or a usual word for what was seen (Findings, Befund, 检查所见). Every heading ends
    the section before it, whether it is wanted or not: rather too little is read than what nobody
    named.

    Args:
        text: a report.
        wanted: headings, in any case and without the colon.

    Returns:
        The sections, a blank between them; empty where the text has none of them.
    """
    names = {_plain(name) for name in wanted}
    return " ".join(body for heading, body in _sections(text, names) if heading in names and body)


def headings_of(text: str) -> list[str]:
    """The headings of a report as they are written, in their order."""
    return [one.name for one in _headings(_plain_lines(text), ())]


def _plain_lines(text: str) -> str:
    return _RULER.sub("", _LINE_END.sub("\n", text))


def _headings(text: str, names: Collection[str]) -> Iterator[_Heading]:
    """The headings of a text of plain lines; lines alone are held against ``names``."""
    place = 0
    for line in text.split("\n"):
        first = _OF_A_LINE.match(line)
        if first is not None and (first["alone"] is None or _stands(first["alone"], names)):
            yield _placed(first, place)
        else:
            first = None
        if _SIGNS.search(line):
            for found in _INSIDE.finditer(line, first.end() if first else 0):
                yield _placed(found, place)
        place += len(line) + 1


def _placed(found: re.Match[str], place: int) -> _Heading:
    name = next(name for name in found.groups() if name is not None)
    return _Heading(" ".join(name.split()).strip("_"), place + found.start(), place + found.end())


def _stands(line: str, names: Collection[str]) -> bool:
    """Whether a line of a few words is a heading, and not a piece of a sentence."""
    return (line.isupper() and len(line) > 2) or _plain(line) in (*names, *_SEEN)


def _sections(text: str, names: Collection[str]) -> Iterator[tuple[str, str]]:
    """Each heading, and what stands under it."""
    text = _plain_lines(text)
    found = [*_headings(text, names)]
    ends = [one.start for one in found[1:]] + [len(text)]
    for one, end in zip(found, ends, strict=False):
        yield _plain(one.name), " ".join(text[one.end : end].split()).strip("* ")


def _plain(heading: str) -> str:
    return " ".join(heading.casefold().strip(" :：").split())
