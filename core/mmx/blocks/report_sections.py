"""Sections of a report, found by their headings."""

import re
from collections.abc import Iterator, Sequence

_CAPITALS = r"[^\W\d_a-zß-ÿ][^\W_a-zß-ÿ]*"  # a word in capitals, or of a script without cases
_WORD = r"[^\W\d_][\w'/&()-]*"
_HEADING = re.compile(
    rf"""
    (?:
        ^[ \t>*#-]*(?P<first>{_WORD}(?:[ \t,]+{_WORD}){{0,6}})      # begins a line
      | (?<=[.;!?。；！？])\s*(?P<next>{_WORD}(?:[ ,]+{_WORD}){{0,3}})  # begins a sentence
      | (?<!\w)(?P<loud>{_CAPITALS}(?:[ ,/&]+{_CAPITALS}){{0,5}})   # in capitals, anywhere
    )
    [ \t*]*[:：]
    """,
    re.MULTILINE | re.VERBOSE,
)


def read_sections(text: str, wanted: Sequence[str]) -> str:
    """What stands under these headings, in the order of the text, without the headings.

    A heading is up to seven words before a colon that begin a line, up to four that begin a
    sentence, or words in capitals anywhere. Every heading ends the section before it, whether it
    is wanted or not: rather too little is read than what nobody named.

    Args:
        text: a report.
        wanted: headings, in any case and without the colon.

    Returns:
        The sections, a blank between them; empty where the text has none of them.
    """
    names = {_plain(name) for name in wanted}
    return " ".join(body for heading, body in _sections(text) if heading in names and body)


def headings_of(text: str) -> list[str]:
    """The headings of a report as they are written, in their order."""
    return [" ".join(_heading(one).split()) for one in _HEADING.finditer(text)]


def _heading(found: re.Match[str]) -> str:
    return next(name for name in found.groups() if name is not None)


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """Each heading, and what stands under it."""
    found = list(_HEADING.finditer(text))
    ends = [one.start() for one in found[1:]] + [len(text)]
    for one, end in zip(found, ends, strict=False):
        yield _plain(_heading(one)), " ".join(text[one.end() : end].split()).strip("* ")


def _plain(heading: str) -> str:
    return " ".join(heading.casefold().strip(" :：").split())
