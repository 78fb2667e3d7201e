"""Which columns hold sentences that were written before the diagnosis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mmx.blocks import names_files
from mmx.spec import column_cells as cells_of
from mmx.spec import column_names as names_of
from mmx.spec.column_found import SAID
from mmx.spec.image_root import find_root

Values = Mapping[str, Sequence[str]]
_SENTENCE = 4  # words
_FILES = "its values are names of text files"
READ = "it says what a reader made of it"
_BEFORE = (
    "INDICATION", "HISTORY", "CLINICAL HISTORY", "CLINICAL INFORMATION", "CLINICAL INDICATION",
    "REASON FOR EXAM", "REASON FOR EXAMINATION", "COMPARISON", "TECHNIQUE", "EXAMINATION",
)  # fmt: skip
"""Headings of what stands in a report before the pictures were read."""


@dataclass(frozen=True)
class TextColumns:
    """Columns of sentences.

    Attributes:
        column: None where there is none.
        further: others of sentences, told behind it in the order of the table.
        why: it was taken, or none was.
        left_out: columns of sentences that are not read -> why.
        questions: what the table does not answer.
        in_files: the cells of ``column`` name files, in which the sentences stand.
        roots: folders of these files; empty where none was found.
    """

    column: str | None
    why: str
    left_out: Mapping[str, str] = field(default_factory=dict)
    questions: tuple[str, ...] = ()
    further: tuple[str, ...] = ()
    in_files: bool = False
    roots: tuple[str, ...] = ()


def guess_texts(values: Values, given: Mapping[str, Any], folder: Path) -> TextColumns:
    """Find the sentences among the columns that no other role took.

    Args:
        values: cells of these columns.
        given: role -> column, as the user says it.
        folder: of the table, near which files of texts lie.
    """
    if "text" in given:
        return _given(given["text"], values, folder)
    files = {name: _FILES for name, cells in values.items() if names_files(cells)}
    found = _of_sentences({name: cells for name, cells in values.items() if name not in files})
    own = _of_files({name: values[name] for name in files}, folder)
    if own is not None and found.column is None:
        files.pop(str(own.column))
        found = replace(own, left_out=found.left_out, questions=found.questions)
    asked = (*found.questions, *map(_ask_of_files, files))
    return replace(found, left_out={**found.left_out, **files}, questions=asked)


def _given(name: str, values: Values, folder: Path) -> TextColumns:
    """The column that the user says, which may name files."""
    filled = cells_of.known(values.get(name, ()))
    if not names_files(filled):
        return TextColumns(name, SAID)
    found = find_root(filled, folder)
    why = f"{SAID}; its values name text files: {found.why}"
    return TextColumns(name, why, questions=found.questions, in_files=True, roots=found.roots)


def _of_sentences(values: Values) -> TextColumns:
    """The columns whose cells are the texts themselves."""
    lengths = {
        name: cells_of.mean_words(cells)
        for name, cells in values.items()
        if not _is_no_text(name) and len({*cells_of.known(cells)}) > 1
    }
    reports = {
        name: READ for name, cells in values.items()
        if names_of.says(name, names_of.REPORTS) and cells_of.mean_words(cells) >= 2
    }  # fmt: skip
    asked = [_ask_of_report(name) for name in list(reports)[:1]]
    readable = {name: length for name, length in lengths.items() if name not in reports}
    varied = [name for name in readable if _is_told(values[name])]
    name, why = _longest(readable, varied)
    if name is None:
        return TextColumns(None, why, reports, tuple(asked))
    further = tuple(one for one in varied if one != name)
    return TextColumns(name, why, reports, further=further)


def _of_files(values: Values, folder: Path) -> TextColumns | None:
    """A column that names texts by its own name, whose files are all there; None without one."""
    for name, cells in values.items():
        filled = cells_of.known(cells)
        told = names_of.says(name, names_of.TEXTS) and not names_of.says(name, names_of.REPORTS)
        if not told or _is_no_text(name) or not all(one.endswith(".txt") for one in filled):
            continue
        found = find_root(filled, folder)
        if not found.lacking and not found.linked:
            why = f"by its name; its values name text files, and {found.why}"
            return TextColumns(name, why, in_files=True, roots=found.roots)
    return None


def _is_told(cells: Sequence[str]) -> bool:
    """Whether cells are sentences, and not a few phrases that repeat."""
    filled = cells_of.known(cells)
    return cells_of.mean_words(cells) >= _SENTENCE and len({*filled}) > len(filled) / 10


def _is_no_text(name: str) -> bool:
    """Whether it follows the diagnosis, says what was done, or from whom a picture is."""
    words = (*names_of.TELLING, *names_of.AFTER, *names_of.PROCEDURES, *names_of.PUBLISHED)
    return bool(names_of.says(name, words))


def _longest(lengths: Mapping[str, float], varied: Sequence[str]) -> tuple[str | None, str]:
    """The column of sentences: by its name, else the longest of those that differ from others."""
    for wanted in names_of.TEXTS:
        for name, length in lengths.items():
            if length >= 2 and names_of.says(name, [wanted]):
                return name, f"by its name, {length:.0f} words on average"
    longest = max(varied, key=lambda name: lengths[name], default=None)
    if longest is not None:
        return longest, f"its values are sentences, {lengths[longest]:.0f} words on average"
    return None, "no column holds sentences; they are written from the record"


def _ask_of_files(name: str) -> str:
    return (
        f"does {name!r} name files of texts that were written before the diagnosis? If so: "
        f"data.dataset.text_files: [{name}], and narrative: {{type: column, column: {name}}}, or "
        "joined where there is a record"
    )


def _ask_of_report(name: str) -> str:
    return (
        f"was {name!r} written before the diagnosis? A report says what was seen in the picture, "
        "and labels are often taken from it, so it is not read; if it was written before: --text "
        f"{name}; to read some of its sections alone: --text {name}, and narrative: {{type: "
        f"column, column: {name}, sections: [INDICATION, HISTORY]}}"
    )
