"""Which column tells the rows of one patient, lesion or study apart from others."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mmx.spec import column_cells as cells_of
from mmx.spec import column_names as names_of
from mmx.spec.column_found import SAID

Values = Mapping[str, Sequence[str]]
_IN_A_NAME = re.compile(
    r"(?<![a-z])((?:patient|pat|subject|sub|person|proband|participant|case)[-_]?)\d", re.IGNORECASE
)


@dataclass(frozen=True)
class GroupColumn:
    """What keeps rows together.

    Attributes:
        column: None where each row stands alone.
        why: in words.
        pattern: of the part of its cells that is the group; empty for all of it.
        question: what the table does not answer; empty when there is none.
    """

    column: str | None
    why: str
    pattern: str = ""
    question: str = ""


def groups_of(cells: Sequence[str], pattern: str) -> list[str]:
    """The group that each cell names: what a pattern finds first, or all of it."""
    if not pattern:
        return [*cells]
    found = [re.search(pattern, cell) for cell in cells]
    return [one[0] if one else cell for one, cell in zip(found, cells, strict=True)]


def guess_group(
    values: Values, images: Values, given: Mapping[str, str], labels: Sequence[str]
) -> GroupColumn:
    """Find the group.

    Args:
        values: cells of the columns that no other role took.
        images: names of image files, by column.
        given: role -> column, as the user says it.
        labels: of the rows.
    """
    if "group" in given:
        return GroupColumn(given["group"], SAID)
    values = {
        name: cells for name, cells in values.items()
        if not _measures(name, cells) and not cells_of.filled_by_label(cells, labels)
    }  # fmt: skip
    lonely = list[str]()
    for wanted in names_of.GROUPS:
        for name, cells in values.items():
            if not names_of.says(name, [wanted]) or name in lonely or _is_shared(name, cells):
                continue
            filled = cells_of.known(cells)
            distinct, weak = len({*filled}), _may_be_kinds(name, wanted)
            if distinct == len(filled) > 1:
                lonely.append(name)
            elif distinct > max(len(filled) / (10 if weak else 50), 2):
                return GroupColumn(name, f"by its name, {distinct} in {len(filled)} rows")
    found = _in_names(images) or _of_ids(values) or _of_pictures(images)
    return found or GroupColumn(None, _ungrouped(lonely))


def _in_names(images: Values) -> GroupColumn | None:
    """A patient that stands in the names of files, such as patient00001/study1/view1.jpg."""
    for name, cells in images.items():
        filled = cells_of.known(cells)
        words = Counter(one[1] for cell in filled if (one := _IN_A_NAME.search(cell)))
        word, count = words.most_common(1)[0] if words else ("", 0)
        pattern = rf"{word}\d+"
        found = {one[0] for cell in filled if (one := re.search(pattern, cell))}
        if count == len(filled) and 1 < len(found) < len(filled):
            first = min(found)
            why = f"the names of files say it, such as {first}"
            return GroupColumn(name, f"{why}: {len(found)} in {len(filled)} rows", pattern)
    return None


def _of_ids(values: Values) -> GroupColumn | None:
    """Ids that repeat, whatever they are of."""
    ids = [name for name, cells in values.items() if _repeated_ids(name, cells)]
    if not ids:
        return None
    name = min(ids, key=lambda one: len({*values[one]}))
    asked = (
        f"is {name!r} the number of a patient, lesion or study? Its values look like ids "
        "and repeat, so it is taken as the group; --group COLUMN names another one"
    )
    return GroupColumn(name, "its values look like ids and repeat", question=asked)


def _of_pictures(images: Values) -> GroupColumn | None:
    """Pictures that stand in several rows, such as one for each box or each reader."""
    for name, cells in images.items():
        filled = cells_of.known(cells)
        distinct = len({*filled})
        if distinct < len(filled):
            asked = (
                f"are the rows with one picture ({name}) several cases? {len(filled)} rows name "
                f"{distinct} pictures, and each row is a case of its own, as one for each box, "
                "finding or reader would be; where a picture is one case, write one row for it"
            )
            why = f"rows with one picture stay together: {distinct} in {len(filled)} rows"
            return GroupColumn(name, why, question=asked)
    return None


def _measures(name: str, cells: Sequence[str]) -> bool:
    """Whether it counts or measures something, as days_from_study and numbers with fractions.

    Ids are numbers with fractions, too: 101.0 where a blank made a column one of floats, and 12.2
    for the second lesion of a patient.
    """
    fractions = cells_of.share(cells, lambda cell: "." in cell or "," in cell) > 0
    is_id = names_of.ends_with(name, (*names_of.GROUPS, *names_of.IDS))
    numbers = fractions and not is_id and cells_of.are_numbers(cells)
    return numbers or bool(names_of.words_of(name)[:1] and names_of.counts_something(name))


def _is_shared(name: str, cells: Sequence[str]) -> bool:
    """Whether it is an age, sex, site or date, which cases share that have nothing in common."""
    role = any(names_of.ends_with(name, words) for words in names_of.ROLES.values())
    return role or cells_of.are_dates(cells) or names_of.is_date(name)


def _may_be_kinds(name: str, word: str) -> bool:
    """Whether its values may be arms or kinds, as those of ``study`` and not of ``study_id``."""
    return word in names_of.WEAK_GROUPS and not names_of.says(name, names_of.IDS)


def _repeated_ids(name: str, cells: Sequence[str]) -> bool:
    """Whether a column holds ids that repeat, as those of persons do and dates do too."""
    if cells_of.are_dates(cells) or names_of.is_date(name) or names_of.says(name, names_of.SLICES):
        return False
    filled = cells_of.known(cells)
    distinct = len({*filled})
    named = bool(names_of.says(name, names_of.IDS)) and distinct > max(len(filled) / 10, 3)
    return distinct < len(filled) and (named or cells_of.look_like_ids(cells))


def _ungrouped(lonely: Sequence[str]) -> str:
    told = ", ".join(map(repr, lonely))
    same = f"{told} is another in every row, so it groups nothing; " if lonely else ""
    none = "" if lonely else "no column is named like a patient; "
    return (
        f"no group: {same}{none}each row stands alone. If one person has several rows, say --group "
        "COLUMN, or the test part will not be honest"
    )
